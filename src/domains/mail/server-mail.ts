import type { Ctx } from '../../platform/context.ts'
import { AppError, conflict, isAppError, unavailable } from '../../platform/lib/errors.ts'
import { openCredential } from '../../platform/secrets/credentials.ts'
import { compose, DEADLINE_MS, surelyNotSent } from './delivery.ts'
import type { Mail, SentMail } from './model.ts'
import { type MailSecurity, type ServerPlace, sealedBeside } from './server-model.ts'
import { mailServerMeans } from './servers.ts'
import { faultOfConnection, NoSuchHost, NotAllowedThere, openTransport } from './transport.ts'

interface OwnServer {
  readonly place: ServerPlace
  readonly password: string | null
  readonly lastUsedAt: Date | null
  readonly lastError: string | null
  readonly fromAddress: string | null
}

/** How often it is noted that a server is used. */
const USED_EVERY_MS = 60_000

/**
 * Sends one mail through the workspace's own server; null when it has none. AppError: it surely did not go out. Anything else
 * that is thrown leaves it open whether it did. What became of it is noted with the server.
 */
export async function sendByOwnServer(ctx: Ctx, mail: Mail, key: string): Promise<SentMail | null> {
  const server = await findOwnServer(ctx)
  if (server === null) return null
  const withoutSecret = scrubber(server)
  try {
    const means = mailServerMeans()
    const message = compose(mail, key, server.fromAddress ?? means.defaultFrom)
    const signal = AbortSignal.timeout(means.deadlineMs ?? DEADLINE_MS)
    const transport = await openTransport(server.place, server.password, means, signal)
    try {
      await transport.sendMail({ ...message, signal })
    } finally {
      transport.close()
    }
    await note(ctx, server, null)
    return { messageId: message.messageId, via: 'SMTP' }
  } catch (err) {
    const told = asTold(err, withoutSecret)
    await note(ctx, server, told.message)
    throw told
  }
}

async function findOwnServer(ctx: Ctx): Promise<OwnServer | null> {
  let row: Awaited<ReturnType<typeof readRow>>
  try {
    row = await readRow(ctx)
  } catch (err) {
    ctx.log.warn({ err }, 'it could not be read which mail server a workspace has')
    throw unavailable('Which mail server this workspace has cannot be read at the moment.')
  }
  if (row === undefined) return null
  const { host, port, username, fromAddress, lastUsedAt, lastError } = row
  const place = { host, port, security: row.security as MailSecurity, username }
  const server = { place, password: null, fromAddress, lastUsedAt, lastError }
  if (username === null) return server
  try {
    const beside = sealedBeside(place)
    const wanted = { workspaceId: ctx.workspaceId, purpose: 'MAIL_SERVER', beside } as const
    const password = await ctx.db.read(ctx.workspaceId, (sql) => openCredential(sql, mailServerMeans().keyring, wanted))
    if (password === null) throw conflict('NOT_CONFIGURED', 'It is not there.')
    return { ...server, password }
  } catch (err) {
    if (!isAppError(err)) {
      ctx.log.warn({ err }, 'the password of a mail server could not be read')
      throw unavailable('The password of the mail server cannot be read at the moment.')
    }
    const message = `The password of the mail server ${host} cannot be read. ${err.message}`
    ctx.log.error({ workspaceId: ctx.workspaceId, host }, message)
    await note(ctx, server, message)
    throw err.code === 'UNAVAILABLE'
      ? unavailable(message, err.details.retryAfterMs)
      : conflict('NOT_CONFIGURED', message)
  }
}

const readRow = (ctx: Ctx) =>
  ctx.db.read(ctx.workspaceId, (sql) => sql.selectFrom('mailServer').selectAll().executeTakeFirst())

/** Takes the password out of a text, in every form in which it is sent. */
function scrubber({ password, place }: OwnServer): (text: string) => string {
  if (password === null) return (text) => text
  const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64')
  const forms = [base64(`\0${place.username}\0${password}`), base64(password), encodeURIComponent(password), password]
  return (text) => forms.reduce((left, form) => left.replaceAll(form, '…'), text)
}

function asTold(err: unknown, withoutSecret: (text: string) => string): Error {
  if (err instanceof NotAllowedThere) return new AppError('CONFLICT', err.message)
  const sure = surelyNotSent(err)
  if (sure !== undefined) {
    // A refusal of the mail itself is in the server's words: they say why. Of the rest we know ourselves.
    const { code, responseCode } = err as { code?: string; responseCode?: number }
    const isOfMail = typeof responseCode === 'number' && code !== 'EAUTH' && code !== 'ENOAUTH'
    return new AppError(
      sure.code,
      isOfMail ? withoutSecret(sure.message) : faultOfConnection(err).sentence,
      sure.details.retryAfterMs === undefined ? {} : { retryAfterMs: sure.details.retryAfterMs },
    )
  }
  if (isAppError(err)) return err
  const { sentence } = faultOfConnection(err)
  if (err instanceof NoSuchHost) return unavailable(sentence, 60_000)
  return new Error(withoutSecret(err instanceof Error ? err.message : String(err)).slice(0, 500))
}

/** Beside the mail: that it could not be noted is not that it was not sent. */
async function note(ctx: Ctx, server: OwnServer, error: string | null): Promise<void> {
  const now = ctx.clock.now()
  const isFresh = server.lastUsedAt !== null && now.getTime() - server.lastUsedAt.getTime() < USED_EVERY_MS
  if (error === server.lastError && (error !== null || isFresh)) return
  const { host, port } = server.place
  try {
    await ctx.db.inTransaction(ctx, (tx) =>
      tx.sql
        .updateTable('mailServer')
        .set({ lastError: error?.slice(0, 500) ?? null, ...(error === null ? { lastUsedAt: now } : {}) })
        // Not what was connected meanwhile.
        .where('host', '=', host)
        .where('port', '=', port)
        .execute(),
    )
  } catch (err) {
    ctx.log.warn({ err, host }, 'how a mail server was used could not be noted')
  }
}
