import { lockCaller } from '../../platform/auth/caller.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { changesBetween, type Told } from '../../platform/events/changes.ts'
import { foretellEffect } from '../../platform/foretold.ts'
import { conflict, type IssueCode, invalidInput } from '../../platform/lib/errors.ts'
import { removeCredential, storeCredential } from '../../platform/secrets/credentials.ts'
import type { Keyring } from '../../platform/secrets/keyring.ts'
import { lockWorkspace } from '../workspaces/service.ts'
import type { Resolve } from './address.ts'
import { DEADLINE_MS } from './delivery.ts'
import { mailServerEvents } from './events.ts'
import {
  type ConnectMailServerInput,
  type DisconnectMailServerInput,
  type ServerPlace,
  sealedBeside,
} from './server-model.ts'
import { faultOfConnection, NotAllowedThere, openTransport } from './transport.ts'

/** What mail servers of workspaces need of the house. */
export interface MailServerMeans {
  readonly keyring: Keyring
  /** Whether they may have addresses of private networks. */
  readonly allowPrivate: boolean
  /** The sender's address where neither the employee nor the workspace has one. */
  readonly defaultFrom: string
  /** How names become addresses; as the system does it unless told. */
  readonly resolve?: Resolve
  /** How long one mail, or signing in, may take in all; a minute, unless a test cannot wait so long. */
  readonly deadlineMs?: number
}

let connected: MailServerMeans | undefined

/** Every process that serves or works calls it, before its first request or segment. */
export function connectMailServers(means: MailServerMeans): void {
  connected = means
}

export function mailServerMeans(): MailServerMeans {
  if (connected === undefined) throw new Error('connectMailServers was not called')
  return connected
}

const placeOf = ({ host, port, security, username }: ConnectMailServerInput): ServerPlace => ({
  host,
  port,
  security,
  username: username ?? null,
})

/**
 * Signs in at the server that is to be connected, and hangs up. Throws INVALID_INPUT naming what keeps it from working,
 * CONFLICT (NOT_CONFIGURED) where this server could not keep the password. What the other side says is not repeated: it may
 * hold what was sent to it. It takes no longer than a mail may.
 */
export async function verifyMailServer(input: ConnectMailServerInput): Promise<void> {
  const means = mailServerMeans()
  if (input.password != null) await means.keyring.current()
  let transport: Awaited<ReturnType<typeof openTransport>> | undefined
  try {
    const signal = AbortSignal.timeout(means.deadlineMs ?? DEADLINE_MS)
    transport = await openTransport(placeOf(input), input.password ?? null, means, signal)
    await transport.verify()
  } catch (err) {
    throw asIssue(err)
  } finally {
    transport?.close()
  }
}

function asIssue(err: unknown): unknown {
  const issue = (field: string, code: IssueCode, message: string) => invalidInput([{ path: [field], code, message }])
  if (err instanceof NotAllowedThere) return issue(err.field, 'NOT_ALLOWED', err.message)
  const { field, sentence } = faultOfConnection(err)
  return issue(field, field === 'host' ? 'UNKNOWN_REFERENCE' : 'NOT_ALLOWED', sentence)
}

/** What an idempotency key stands for: all of the input, with a digest of the password that only this server can make. */
export async function claimOf(input: ConnectMailServerInput): Promise<unknown> {
  const { password } = input
  if (password == null) return input
  return { ...input, password: await mailServerMeans().keyring.fingerprint(password) }
}

/**
 * Has the workspace's mail leave through this server from now on, instead of through the one before; `verifyMailServer` comes
 * first. Needs WORKSPACE_WRITE. The password is sealed and told nowhere.
 */
export async function connectMailServer(tx: Tx, input: ConnectMailServerInput): Promise<void> {
  await lockWorkspace(tx)
  await lockCaller(tx, 'WORKSPACE_WRITE')
  const place = placeOf(input)
  foretellEffect(tx, { kind: 'SIGN_IN', at: `${place.host}:${place.port}` })
  const before = await findRow(tx)
  const row = { ...place, fromAddress: input.from ?? null, connectedAt: tx.now, lastUsedAt: null, lastError: null }
  await tx.sql
    .insertInto('mailServer')
    .values({ workspaceId: tx.workspaceId, ...row })
    .onConflict((clash) => clash.column('workspaceId').doUpdateSet(row))
    .execute()
  if (input.password == null) await removeCredential(tx, 'MAIL_SERVER')
  else {
    const { keyring } = mailServerMeans()
    await storeCredential(tx, keyring, { purpose: 'MAIL_SERVER', secret: input.password, beside: sealedBeside(place) })
  }
  appendEvents(tx, [
    {
      type: mailServerEvents.connected.type,
      subject: { kind: 'workspace', id: tx.workspaceId },
      data: { host: place.host },
      changes: changesBetween(before === undefined ? {} : toldRow(before), toldRow(row)),
    },
  ])
}

/**
 * Has the workspace's mail leave through the server's own way again, and removes the password for good. Needs WORKSPACE_WRITE.
 * CONFLICT when another host is connected than `ifHost`. Without one it changes nothing.
 */
export async function disconnectMailServer(tx: Tx, { ifHost }: DisconnectMailServerInput): Promise<void> {
  await lockWorkspace(tx)
  await lockCaller(tx, 'WORKSPACE_WRITE')
  const before = await findRow(tx)
  if (before === undefined) return
  if (ifHost != null && ifHost !== before.host) {
    const current = { kind: 'workspace', id: tx.workspaceId }
    throw conflict('STALE_VERSION', `By now ${before.host} is connected.`, current)
  }
  await tx.sql.deleteFrom('mailServer').execute()
  await removeCredential(tx, 'MAIL_SERVER')
  const nothing = { host: null, port: null, security: null, username: null, from: null }
  appendEvents(tx, [
    {
      type: mailServerEvents.disconnected.type,
      subject: { kind: 'workspace', id: tx.workspaceId },
      data: { host: before.host },
      changes: changesBetween(toldRow(before), nothing),
    },
  ])
}

const findRow = (tx: Tx) =>
  tx.sql
    .selectFrom('mailServer')
    .select(['host', 'port', 'security', 'username', 'fromAddress'])
    .forUpdate()
    .executeTakeFirst()

const toldRow = (row: NonNullable<Awaited<ReturnType<typeof findRow>>>): Record<string, Told> => ({
  host: row.host,
  port: row.port,
  security: row.security,
  username: row.username,
  from: row.fromAddress,
})
