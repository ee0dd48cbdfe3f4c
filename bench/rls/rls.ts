// npm run bench:rls: what row-level security costs of a GraphQL request's throughput, with 100 tenants at random.
//
// Three servers on three copies of one database, asked in turn, round after round, so that what else the machine does
// meets all of them:
//   walled   as it is: policies in force, each connection bound to the workspace that it is lent for
//   bound    no policies, connections bound all the same: what is left of the price is the binding
//   open     no policies, no binding; the predicates stay
// The load comes from this process, over HTTP, on as many connections as told; every answer is looked at. Goal: walled has
// at least 90 % of open's throughput, by the median of the rounds' own ratios. On a machine that does other work the rounds
// lie far apart: read the spread before the median. Nine rounds of 4 s told 3.9 % once and 10.9 % another time, of the same
// walls; it takes eight minutes.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { cpus, loadavg, release } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { migrate } from '../../src/platform/db/migrate.ts'
import { startScratchPostgres } from '../../src/platform/db/scratch.ts'
import { installDurable } from '../../src/platform/durable/install.ts'
import { createLogger } from '../../src/platform/observability/logger.ts'
import { ask, nextRequest } from './requests.ts'
import { DEALS_PER_TENANT, fillDatabase, type Tenant } from './world.ts'

const WARM_UP_MS = 20_000

const VARIANTS = ['walled', 'bound', 'open'] as const
type Variant = (typeof VARIANTS)[number]

const { values } = parseArgs({
  options: {
    tenants: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '21' },
    seconds: { type: 'string', default: '6' },
    connections: { type: 'string', default: '16' },
  },
})
const [tenantCount, rounds, seconds, connections] = [
  values.tenants,
  values.rounds,
  values.seconds,
  values.connections,
].map(Number) as [number, number, number, number]

const say = (line = ''): void => void process.stdout.write(`${line}\n`)
const log = createLogger({ level: 'warn', format: 'json' })
const postgres = await startScratchPostgres(log)
const children: ChildProcess[] = []

const on = (database: string): string => Object.assign(new URL(postgres.url), { pathname: `/${database}` }).href

async function asOwner<Row extends pg.QueryResultRow>(database: string, ...statements: string[]): Promise<Row[]> {
  const client = new pg.Client({ connectionString: on(database) })
  await client.connect()
  let rows: Row[] = []
  for (const statement of statements) rows = (await client.query<Row>(statement)).rows
  await client.end()
  return rows
}

async function serve(variant: Variant): Promise<string> {
  const script = fileURLToPath(new URL('./server.ts', import.meta.url))
  const binding = variant === 'open' ? 'unbound' : 'bound'
  const child = spawn(process.execPath, ['--import', 'tsx', script, on(variant), binding], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return url
}

/** Requests per second. */
async function measure(url: string, tenants: readonly Tenant[], forMs: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const startedAt = performance.now()
  let answered = 0
  const work = async (): Promise<void> => {
    while (performance.now() - startedAt < forMs) {
      const tenant = tenants[Math.floor(Math.random() * tenants.length)] as Tenant
      await ask(url, agent, tenant, nextRequest(tenant, Math.random))
      answered += 1
    }
  }
  await Promise.all(Array.from({ length: connections }, work))
  agent.destroy()
  return (answered / (performance.now() - startedAt)) * 1_000
}

const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b)
const median = (numbers: readonly number[]): number => {
  const ordered = sorted(numbers)
  const middle = ordered.length >> 1
  const [a = 0, b = 0] = [ordered[middle], ordered.length % 2 === 0 ? ordered[middle - 1] : ordered[middle]]
  return (a + b) / 2
}

try {
  await asOwner('cadre', 'create database walled')
  await migrate({ url: on('walled'), log, afterMigrate: [installDurable] })
  const tenants = await fillDatabase(on('walled'), tenantCount, log)
  for (const copy of ['bound', 'open']) {
    await asOwner('cadre', `create database ${copy} template walled`)
    const tables = await asOwner<{ name: string }>(
      copy,
      `select oid::regclass::text as name from pg_class where relrowsecurity and relnamespace = 'public'::regnamespace`,
    )
    await asOwner(copy, ...tables.map(({ name }) => `alter table ${name} disable row level security`))
  }
  const [version] = await asOwner<{ server_version: string }>('walled', 'show server_version')
  say(`${cpus()[0]?.model.trim()}, ${cpus().length} cores, Linux ${release()}, load ${loadavg()[0]?.toFixed(2)} before`)
  say(`Node ${process.version}, PostgreSQL ${version?.server_version}, ${new Date().toISOString().slice(0, 10)}`)
  say(`${tenantCount} tenants at random, ${DEALS_PER_TENANT} deals and contacts each, ${connections} connections,`)
  say(`5 lists with a filter : 3 nodes : 2 mutations, ${rounds} rounds of ${seconds} s for each`)
  say()

  const urls = new Map<Variant, string>()
  for (const variant of VARIANTS) urls.set(variant, await serve(variant))
  const measured = (variant: Variant, forMs: number) => measure(urls.get(variant) ?? '', tenants, forMs)
  // Thrown away: by then every tenant has its client, and every statement its plan.
  for (const variant of VARIANTS) await measured(variant, WARM_UP_MS)

  const found: Record<Variant, number[]> = { walled: [], bound: [], open: [] }
  say('round   walled/s    bound/s     open/s   walled:open')
  for (let round = 0; round < rounds; round += 1) {
    // Each comes first as often as the others.
    const order = VARIANTS.map((_, index) => VARIANTS[(index + round) % VARIANTS.length] as Variant)
    for (const variant of order) found[variant].push(await measured(variant, seconds * 1_000))
    const [walled = 0, bound = 0, open = 0] = VARIANTS.map((variant) => found[variant].at(-1))
    const cells = [walled, bound, open].map((each) => each.toFixed(0).padStart(11)).join('')
    say(`${String(round + 1).padStart(5)}${cells}${(walled / open).toFixed(3).padStart(14)}`)
  }
  say()
  for (const variant of VARIANTS) {
    const ordered = sorted(found[variant])
    const range = `${ordered[0]?.toFixed(0)} to ${ordered.at(-1)?.toFixed(0)}`
    say(`${variant.padEnd(7)} median ${median(ordered).toFixed(0)}/s (${range})`)
  }
  const ratios = (variant: Variant) => found[variant].map((each, index) => each / (found.open[index] as number))
  const told = (variant: Variant): string => {
    const ordered = sorted(ratios(variant))
    return `${((1 - median(ordered)) * 100).toFixed(1)} % (rounds: ${ordered
      .map((each) => ((1 - each) * 100).toFixed(1))
      .reverse()
      .join(' ')})`
  }
  say()
  say(`policies and binding cost  ${told('walled')}   goal: at most 10 %`)
  say(`the binding alone costs    ${told('bound')}`)
} finally {
  for (const child of children) child.kill('SIGTERM')
  await Promise.all(children.map((child) => (child.exitCode === null ? once(child, 'exit') : undefined)))
  await postgres.stop()
}
