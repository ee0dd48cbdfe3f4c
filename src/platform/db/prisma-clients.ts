import { PrismaPg } from '@prisma/adapter-pg'
import { LRUCache } from 'lru-cache'
import type pg from 'pg'
import { PrismaClient } from '../../generated/prisma/client.ts'
import { statementName } from './statement-name.ts'
import { TABLES_WITHOUT_TENANT } from './tables.ts'
import { TenantPool } from './tenant-pool.ts'

/** Models without a workspace_id column: their rows are the workspace itself, or are not a tenant's. */
const WITHOUT_TENANT = new Set([...TABLES_WITHOUT_TENANT].map((name) => `${name[0]?.toUpperCase()}${name.slice(1)}`))

export type Prisma = ReturnType<typeof createTenantPrisma>

function createTenantPrisma(shared: pg.Pool, workspaceId: string) {
  const adapter = new PrismaPg(new TenantPool(shared, workspaceId), {
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

/**
 * One Prisma client per workspace over the shared pool. Prisma merges the look-ups of one tick per client and runs them
 * in the first caller's context, so a client that served two workspaces would mix their rows (ADR 0002). Clients read;
 * changes go through `inTransaction`.
 */
export class PrismaClients {
  readonly #clients: LRUCache<string, Prisma>
  readonly #shared: pg.Pool

  constructor(shared: pg.Pool, max = 200) {
    this.#shared = shared
    this.#clients = new LRUCache({ max })
  }

  /** The workspace's client; the least recently used one is dropped, its running queries end as they are. */
  of(workspaceId: string): Prisma {
    const known = this.#clients.get(workspaceId)
    if (known !== undefined) return known
    const client = createTenantPrisma(this.#shared, workspaceId)
    this.#clients.set(workspaceId, client)
    return client
  }
}
