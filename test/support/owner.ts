import pg from 'pg'

const owners = new Map<string, pg.Pool>()

/** Connections as the database's owner, kept until it is dropped: for a test that asks past row-level security again and again. */
export function ownerOf(url: string): pg.Pool {
  const known = owners.get(url)
  if (known !== undefined) return known
  const pool = new pg.Pool({ connectionString: url, max: 2, allowExitOnIdle: true })
  const ignore = () => {}
  pool.on('error', ignore)
  pool.on('connect', (client) => client.on('error', ignore))
  owners.set(url, pool)
  return pool
}

export async function closeOwner(url: string): Promise<void> {
  const owner = owners.get(url)
  owners.delete(url)
  await owner?.end()
}
