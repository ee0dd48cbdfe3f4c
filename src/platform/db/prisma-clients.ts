import { PrismaPg } from '@prisma/adapter-pg'
import { LRUCache } from 'lru-cache'
import type pg from 'pg'
import { PrismaClient } from '../../generated/prisma/client.ts'
import { HeldPool } from './held-pool.ts'
import { statementName } from './statement-name.ts'
import { TABLES_WITHOUT_TENANT } from './tables.ts'
import { TenantPool } from './tenant-pool.ts'

/** Models without a workspace_id column: their rows are the workspace itself, or are not a tenant's. */
const WITHOUT_TENANT = new Set([...TABLES_WITHOUT_TENANT].map((name) => `${name[0]?.toUpperCase()}${name.slice(1)}`))

export type Prisma = ReturnType<typeof createTenantPrisma>

function createTenantPrisma(pool: pg.Pool, workspaceId: string) {
  const adapter = new PrismaPg(pool, {
    // The adapter's type wants a string; `pg` takes undefined for "unprepared".
    statementNameGenerator: (query) => statementName(query.sql) as string,
  })
  // A read of several levels is a transaction of its own; on a busy server its wait for a connection is the pool's.
  const client = new PrismaClient({ adapter, transactionOptions: { maxWait: 10_000, timeout: 30_000 } })
  return client.$extends({
    name: 'tenant',
    query: {
      $allModels: {
        $allOperations({ model, args, query }) {
          const scope = WITHOUT_TENANT.has(model) ? { id: workspaceId } : { workspaceId }
          const { where } = args as { where?: { AND?: object | object[] } }
          const and = [where?.AND ?? [], scope].flat()
          return query({ ...args, where: { ...where, AND: and } } as typeof args)
        },
      },
    },
  })
}

/** A client that reads in a transaction. */
export interface HeldPrisma {
  readonly client: Prisma
  /** The transaction ends. `clean`: nothing reads any more, and another transaction may have the client. */
  giveBack(clean: boolean): void
}

interface IdlePrisma {
  readonly client: Prisma
  readonly pool: HeldPool
}

/**
 * One Prisma client per workspace over the shared pool. Prisma merges the look-ups of one tick per client and runs them
 * in the first caller's context, so a client that served two workspaces would mix their rows (ADR 0002). Clients read;
 * changes go through `inTransaction`.
 */
export class PrismaClients {
  readonly #clients: LRUCache<string, Prisma>
  // Making one takes longer than a dry run does.
  readonly #idle: LRUCache<string, IdlePrisma>
  readonly #shared: pg.Pool

  constructor(shared: pg.Pool, max = 200, maxIdle = 20) {
    this.#shared = shared
    this.#clients = new LRUCache({ max })
    this.#idle = new LRUCache({ max: maxIdle })
  }

  /** The workspace's client; the least recently used one is dropped, its running queries end as they are. */
  of(workspaceId: string): Prisma {
    const known = this.#clients.get(workspaceId)
    if (known !== undefined) return known
    const client = createTenantPrisma(new TenantPool(this.#shared, workspaceId), workspaceId)
    this.#clients.set(workspaceId, client)
    return client
  }

  /** A client of the workspace that reads over this connection, and that nobody else has until it is given back. */
  hold(workspaceId: string, connection: pg.PoolClient): HeldPrisma {
    const held = this.#idle.get(workspaceId) ?? createHeldPrisma(workspaceId)
    this.#idle.delete(workspaceId)
    held.pool.hold(connection)
    return {
      client: held.client,
      giveBack: (clean) => {
        held.pool.letGo()
        if (clean) this.#idle.set(workspaceId, held)
      },
    }
  }
}

function createHeldPrisma(workspaceId: string): IdlePrisma {
  const pool = new HeldPool()
  return { client: createTenantPrisma(pool, workspaceId), pool }
}
