import {
  type Compilable,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'
import { describe, expect, it } from 'vitest'
import type { Tables } from './tables.ts'
import { TenantPlugin } from './tenant-plugin.ts'

const db = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (kysely) => new PostgresIntrospector(kysely),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
  plugins: [new TenantPlugin('w')],
})

const compiled = (query: Compilable) => {
  const { sql, parameters } = query.compile()
  return { sql, parameters }
}

describe('a statement is constrained to the workspace', () => {
  it('in each table of a cross join, which has no ON of its own', () => {
    const query = db.selectFrom('deal').crossJoin('member as m').select('m.id')
    expect(compiled(query)).toEqual({
      sql: 'select "m"."id" from "deal" inner join "member" as "m" on "m"."workspaceId" = $1 where "deal"."workspaceId" = $2',
      parameters: ['w', 'w'],
    })
  })

  it('beside what its join says, so that a left join keeps its rows', () => {
    const query = db.selectFrom('deal').leftJoin('member', 'member.id', 'deal.id').select('deal.id')
    expect(compiled(query).sql).toBe(
      'select "deal"."id" from "deal" left join "member" on "member"."id" = "deal"."id" and "member"."workspaceId" = $1' +
        ' where "deal"."workspaceId" = $2',
    )
  })

  it('in an update and a delete, beside what their WHERE says', () => {
    expect(compiled(db.updateTable('handlerGroup').set({ name: 'N' }).where('id', '=', 'g'))).toEqual({
      sql: 'update "handlerGroup" set "name" = $1 where "id" = $2 and "handlerGroup"."workspaceId" = $3',
      parameters: ['N', 'g', 'w'],
    })
    expect(compiled(db.deleteFrom('deal')).sql).toBe('delete from "deal" where "deal"."workspaceId" = $1')
  })

  it('but not where it names no table of ours', () => {
    const none = db.selectNoFrom((eb) => eb.val(1).as('one'))
    const catalogue = db
      .withSchema('pg_catalog')
      .selectFrom('pg_class' as 'deal')
      .select('id')
    expect(compiled(none).sql).toBe('select $1 as "one"')
    expect(compiled(catalogue).sql).toBe('select "id" from "pg_catalog"."pg_class"')
  })

  it('where it is the workspace itself, by its id', () => {
    expect(compiled(db.selectFrom('workspace').select('name'))).toEqual({
      sql: 'select "name" from "workspace" where "workspace"."id" = $1',
      parameters: ['w'],
    })
  })
})
