// Prisma's own migration engine, in WebAssembly.
//
// Prisma's CLI downloads a native engine to migrate; a server that migrates itself on start cannot depend on a download.
// The same engine is published as WebAssembly. Its entry point wants a bundler, so the module is instantiated here by
// hand. It reaches the database through the adapter that `pg` already serves, with three changes that matter:
//
//   * the stock adapter splits a script at every semicolon, which tears function bodies ($$ … ; … $$), strings and
//     comments apart. A script is sent whole instead, as the native engine does: PostgreSQL then also runs a migration
//     as one transaction, so a migration that fails leaves nothing half done;
//   * the stock adapter does not know the type "char" (the one in quotes), by which PostgreSQL's catalogue tells the
//     engine what kind a constraint is;
//   * the stock shadow database is dropped while its own connections are still open, which PostgreSQL refuses.

import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils'
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg'
import pg from 'pg'

export type SchemaEngine = bindings.SchemaEngine

/** What of WebAssembly is used; Node has it, its type definitions do not. */
interface WebAssemblyRuntime {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: Record<string, unknown> }
}

let instantiated = false

/** The engine hands the reason of a panic to this global before it stops; thrown, it ends the process readably. */
const panicRegistry = {
  set_message(message: string): never {
    throw new Error(`Prisma's schema engine stopped: ${message}`)
  },
}

function instantiate(): void {
  if (instantiated) return
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: panicRegistry })
  const require = createRequire(import.meta.url)
  const folder = dirname(require.resolve('@prisma/schema-engine-wasm/schema_engine_bg'))
  const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyRuntime }
  const compiled = new WebAssembly.Module(readFileSync(join(folder, 'schema_engine_bg.wasm')))
  const instance = new WebAssembly.Instance(compiled, { './schema_engine_bg.js': bindings })
  bindings.__wbg_set_wasm(instance.exports)
  const start = instance.exports.__wbindgen_start
  if (typeof start !== 'function') throw new Error('the schema engine has no start function: its version changed')
  Reflect.apply(start, undefined, [])
  instantiated = true
}

type RewriteScript = (script: string) => string
type OnRefused = (err: pg.DatabaseError) => void

const INTERNAL_CHAR = 18
const BPCHAR = 1042

/** Which columns of a result were of the type "char", by the result's rows, which the adapter hands on as they are. */
const charColumns = new WeakMap<object, number[]>()

/** A pool that lets the adapter take "char" for a type it knows, and remembers where that was. */
class CataloguePool extends pg.Pool {
  onRefused: OnRefused | undefined

  // pg.Pool's overloads also take callbacks; Prisma's adapter uses promises only.
  override query = (async (config: pg.QueryConfig): Promise<pg.QueryResult> => {
    const result = await super.query(config).catch((err: unknown) => {
      if (err instanceof pg.DatabaseError) this.onRefused?.(err)
      throw err
    })
    const fields = result.fields ?? []
    const columns = fields.flatMap((field, index) => (field.dataTypeID === INTERNAL_CHAR ? [index] : []))
    if (columns.length === 0) return result
    charColumns.set(result.rows, columns)
    const known = fields.map((field, index) => (columns.includes(index) ? { ...field, dataTypeID: BPCHAR } : field))
    return Object.assign(result, { fields: known })
  }) as unknown as pg.Pool['query']
}

function adjust(
  adapter: SqlDriverAdapter,
  rewriteScript: RewriteScript,
  afterDispose: () => Promise<void> = async () => {},
): SqlDriverAdapter {
  const changed: Partial<SqlDriverAdapter> = {
    async executeScript(script) {
      // Without arguments `pg` sends the text as one simple query.
      await adapter.executeRaw({ sql: rewriteScript(script), args: [], argTypes: [] })
    },
    async queryRaw(query) {
      const result = await adapter.queryRaw(query)
      for (const index of charColumns.get(result.rows) ?? []) result.columnTypes[index] = ColumnTypeEnum.Character
      return result
    },
    async dispose() {
      await adapter.dispose()
      await afterDispose()
    },
  }
  return new Proxy(adapter, {
    get(target, property) {
      const value: unknown = Reflect.get(property in changed ? changed : target, property)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

function createFactory(
  url: string,
  rewriteScript: RewriteScript,
  onRefused: OnRefused,
): SqlMigrationAwareDriverAdapterFactory {
  const connect = (connectionString: string): Promise<SqlDriverAdapter> => {
    const pool = new CataloguePool({ connectionString, max: 2, connectionTimeoutMillis: 10_000 })
    pool.on('connect', (client) => client.on('error', () => {}))
    pool.onRefused = onRefused
    return new PrismaPg(pool, { disposeExternalPool: true }).connect()
  }
  return {
    provider: 'postgres',
    adapterName: '@prisma/adapter-pg',
    connect: async () => adjust(await connect(url), rewriteScript),
    async connectToShadowDb() {
      const name = `cadre_shadow_${randomUUID().replaceAll('-', '')}`
      const shadowUrl = new URL(url)
      shadowUrl.pathname = `/${name}`
      await runAlone(url, `CREATE DATABASE ${name}`)
      const unchanged = (script: string) => script
      return adjust(await connect(shadowUrl.href), unchanged, () => runAlone(url, `DROP DATABASE ${name}`))
    },
  }
}

async function runAlone(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

export interface SchemaEngineOptions {
  /** Receives the engine's own log lines, JSON objects. */
  readonly onLog?: (line: string) => void
  /** Changes a script (a migration) before it is sent. */
  readonly rewriteScript?: RewriteScript
  /** Receives what PostgreSQL refused, with its position; the engine's own error keeps only a sentence of it. */
  readonly onRefused?: OnRefused
}

/** Runs `work` with an engine connected to `url` and closes its connections afterwards. */
export async function withSchemaEngine<Result>(
  url: string,
  work: (engine: SchemaEngine) => Promise<Result>,
  options: SchemaEngineOptions = {},
): Promise<Result> {
  instantiate()
  const opened: SqlDriverAdapter[] = []
  const factory = createFactory(url, options.rewriteScript ?? ((script) => script), options.onRefused ?? (() => {}))
  const tracked: SqlMigrationAwareDriverAdapterFactory = {
    ...factory,
    async connect() {
      const adapter = await factory.connect()
      opened.push(adapter)
      return adapter
    },
  }
  const bound = bindMigrationAwareSqlAdapterFactory(tracked)
  try {
    const engine = await bindings.SchemaEngine.new({ datamodels: undefined }, options.onLog ?? (() => {}), bound)
    try {
      return await work(engine)
    } finally {
      engine.free()
    }
  } finally {
    await Promise.all(opened.map((adapter) => adapter.dispose()))
  }
}
