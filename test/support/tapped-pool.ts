import type pg from 'pg'

type Query = (...args: unknown[]) => Promise<unknown>

/** The pool with somebody on its wire: each query of its connections goes through `tap`, which passes it on or does not. */
export function tapped(pool: pg.Pool, tap: (query: Query, ...args: unknown[]) => Promise<unknown>): pg.Pool {
  const connect = pool.connect.bind(pool)
  return Object.assign(Object.create(pool), {
    connect: async () => {
      const client = await connect()
      const query = client.query.bind(client) as Query
      return new Proxy(client, {
        get(target, property) {
          if (property === 'query') return (...args: unknown[]) => tap(query, ...args)
          const value: unknown = Reflect.get(target, property, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    },
  })
}
