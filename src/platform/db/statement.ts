// Statements that are run for every lead. Kysely builds a statement anew each time it is run: the builder, two plugins
// and the compiler together cost more than all else this process does for it. These are built once per process, with
// placeholders where the values go, and only bound after that.

import {
  CamelCasePlugin,
  type Compilable,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'
import type { Tables } from './tables.ts'
import { TenantPlugin } from './tenant-plugin.ts'

/** What every statement of a transaction may name beside its own input. */
export interface Given {
  readonly workspaceId: string
  /** The transaction's moment. */
  readonly now: Date
}

/** A text and how its parameters are made of an input. */
export interface Statement<Input extends object, Row> {
  bind(input: Input & Given): { readonly text: string; readonly values: readonly unknown[] }
  /** Never there: the type of its rows. */
  readonly row?: Row
}

class Placeholder {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

const placeholders = new Proxy({}, { get: (_target, name) => new Placeholder(String(name)) })

const template = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
  plugins: [
    new TenantPlugin(new Placeholder('workspaceId') as unknown as string),
    new CamelCasePlugin({ maintainNestedObjectKeys: true }),
  ],
})

/**
 * A statement for `Tx.run`. `build` is called once, with placeholders for values: it may put them where values go and
 * must not look at them (no lists for IN, no columns that come and go).
 */
export function statement<Input extends object, Row = unknown>(
  build: (sql: Kysely<Tables>, input: Input & Given) => Compilable<Row>,
): Statement<Input, Row> {
  let bound: Statement<Input, Row> | undefined
  return {
    bind: (input) => {
      if (bound === undefined) {
        const { sql, parameters } = build(template, placeholders as Input & Given).compile()
        bound = textStatement(sql, parameters)
      }
      return bound.bind(input)
    },
  }
}

/** A statement written by hand; each parameter is the name of an input's member. The text must constrain the workspace. */
export const sqlStatement = <Input extends object, Row = unknown>(
  text: string,
  parameters: readonly (keyof (Input & Given) & string)[],
): Statement<Input, Row> =>
  textStatement(
    text,
    parameters.map((name) => new Placeholder(name)),
  )

function textStatement<Input extends object, Row>(text: string, parameters: readonly unknown[]): Statement<Input, Row> {
  return {
    bind: (input) => ({
      text,
      values: parameters.map((value) =>
        value instanceof Placeholder ? (input as Readonly<Record<string, unknown>>)[value.name] : value,
      ),
    }),
  }
}
