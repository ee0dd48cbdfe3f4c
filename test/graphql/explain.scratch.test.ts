import {
  CamelCasePlugin,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
} from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, test } from 'vitest'
import { acquireBound } from '../../src/platform/db/tenant-connections.ts'
import { TenantPlugin } from '../../src/platform/db/tenant-plugin.ts'
import { allLists } from '../../src/platform/graphql/connection.ts'
import { pick, readPageArguments } from '../../src/platform/graphql/page.ts'
import { encodeId, newId } from '../../src/platform/lib/ids.ts'
import { runSql } from '../support/sql.ts'
import { type House, type SampleServer, serveSample } from './server.ts'

let server: SampleServer
const houses: House[] = []
beforeAll(async () => {
  server = await serveSample()
  for (let i = 0; i < 20; i++) houses.push(await server.house('H' + i))
  for (const h of houses) {
    const c = await acquireBound(server.db.app, h.id)
    await c.query(
      `insert into deal (workspace_id,id,name,name_folded,stage_id,amount_micros,currency,created_at,updated_at,owner_member_id)
      select $1, gen_random_uuid(), 'Deal '||n, 'deal '||n, case when n%50=0 then $3::uuid else $2::uuid end, n::bigint*1000000, case when n%2=0 then 'EUR' else 'USD' end, now() - n * interval '1 minute', now(), case when n%100=0 then $4::uuid end from generate_series(1,15000) n`,
      [h.id, h.open.slice(6), h.won.slice(6), h.memberId],
    )
    c.release()
  }
}, 300000)
afterAll(() => server.close())
test('explain', async () => {
  const owner = new pg.Client({ connectionString: (server.db.app as any).options.connectionString })
  await owner.connect()
  await owner.query('analyze')
  await owner.end()
  const h = houses[3]!
  const compileDb = new Kysely<any>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (d) => new PostgresIntrospector(d),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    plugins: [new TenantPlugin(h.id), new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  })
  const list = allLists().find((l) => l.name === 'Deal')!
  const cases: object[] = [
    {
      filter: { or: [{ name: { contains: '777' } }, { name: { eq: 'Deal 5' } }, { stage: { kind: { eq: 'LOST' } } }] },
    },
    { filter: { not: { stage: { kind: { eq: 'LOST' } } } } },
  ]
  for (const mode of ['force_custom_plan', 'force_generic_plan'])
    for (const args of cases) {
      const q = list.query(args, new Date())
      const compiled = pick(compileDb, q, readPageArguments({ first: 25 }, 'Deal', q.keys)).compile()
      const c = await acquireBound(server.db.app, h.id)
      await c.query(`set plan_cache_mode = ${mode}`)
      try {
        const name = 'e' + Math.random().toString(36).slice(2)
        const { rows } = await c.query({
          name,
          text: 'explain (analyze, costs off, timing off, summary on) ' + compiled.sql,
          values: [...compiled.parameters],
        })
        console.log(mode, JSON.stringify(args), '\n', rows.map((r) => r['QUERY PLAN']).join('\n '))
      } catch (e) {
        console.log(JSON.stringify(args), compiled.sql, e)
      }
      c.release(true)
    }
  const q = list.query({}, new Date())
  const page = readPageArguments({ first: 25 }, 'Deal', q.keys)
  const c2 = pick(compileDb, q, {
    ...page,
    after: [new Date(Date.now() - 6000 * 60000).toISOString(), newId()],
  }).compile()
  const c = await acquireBound(server.db.app, h.id)
  console.log(
    c2.sql,
    (await c.query({ text: 'explain (analyze, costs off, timing off) ' + c2.sql, values: [...c2.parameters] })).rows
      .map((r) => r['QUERY PLAN'])
      .join('\n '),
  )
  c.release(true)
}, 300000)
