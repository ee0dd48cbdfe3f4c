import { isIP, Socket } from 'node:net'
import { createTransport } from 'nodemailer'
import { locate, type Resolve } from './address.ts'
import { TIMEOUTS } from './delivery.ts'
import type { ServerPlace } from './server-model.ts'

/** A mail server that may not be connected to, or not in this way. */
export class NotAllowedThere extends Error {
  readonly field: 'host' | 'security'

  constructor(field: 'host' | 'security', message: string) {
    super(message)
    this.name = 'NotAllowedThere'
    this.field = field
  }
}

/** Its name leads nowhere. */
export class NoSuchHost extends Error {}

/**
 * A way to a mail server of a workspace's own, to the address that its name has now. Throws NotAllowedThere for an address of
 * a private network where those are not allowed, and for a password that would go over an open line through the world. When
 * `signal` says so its connection is cut, whatever it is about: nodemailer asks for no signal but with a mail. The caller closes
 * it.
 */
export async function openTransport(
  { host, port, security, username }: ServerPlace,
  password: string | null,
  { allowPrivate, resolve }: { readonly allowPrivate: boolean; readonly resolve?: Resolve },
  signal: AbortSignal,
) {
  const found = await locate(host, allowPrivate, resolve)
  if ('fault' in found) {
    if (found.fault === 'NO_SUCH_HOST') throw new NoSuchHost()
    throw new NotAllowedThere(
      'host',
      'This host is in a private network. Whoever runs this server may allow that with PRIVATE_MAIL_SERVERS.',
    )
  }
  if (security === 'NONE' && password !== null && found.isPublic) {
    throw new NotAllowedThere('security', 'A password does not go over an open line: choose TLS or STARTTLS.')
  }
  return createTransport({
    host: found.address,
    port,
    socket: new Socket({ signal }),
    secure: security === 'TLS',
    requireTLS: security === 'STARTTLS',
    ignoreTLS: security === 'NONE',
    // The certificate is the name's, not the address's.
    tls: isIP(host) === 0 ? { servername: host } : {},
    ...(username === null || password === null ? {} : { auth: { user: username, pass: password } }),
    ...TIMEOUTS,
  })
}

/** What keeps a connection from coming about: of which field it is, and a sentence of ours. */
export function faultOfConnection(err: unknown): {
  readonly field: 'host' | 'port' | 'security' | 'username'
  readonly sentence: string
} {
  if (err instanceof NoSuchHost) return { field: 'host', sentence: 'There is no host of this name.' }
  const { code, syscall, responseCode } = (err instanceof Error ? err : {}) as {
    code?: string
    syscall?: string
    responseCode?: number
  }
  if (err instanceof Error && err.name === 'AbortError') {
    return { field: 'port', sentence: 'The mail server took too long to answer.' }
  }
  const said = typeof responseCode === 'number' ? ` (${responseCode})` : ''
  if (code === 'EAUTH' || code === 'ENOAUTH') {
    return { field: 'username', sentence: `The mail server refused the user name or the password${said}.` }
  }
  if (code === 'ETLS' || code === 'EREQUIRETLS' || isOfTls(err)) {
    return {
      field: 'security',
      sentence: 'No encrypted connection came about: is this the right security for the port?',
    }
  }
  if (syscall === 'connect' || code === 'ETIMEDOUT' || code === 'ECONNECTION' || code === 'ESOCKET') {
    return { field: 'port', sentence: 'No mail server answers at this host and port.' }
  }
  return { field: 'port', sentence: `What answers there does not speak as a mail server does${said}.` }
}

/** Certificates that do not hold, and what is no TLS at all. */
const isOfTls = (err: unknown): boolean => {
  const { cause, code } = err as { cause?: { code?: unknown }; code?: unknown }
  return (
    [code, cause?.code].some(
      (each) =>
        typeof each === 'string' && /^(ERR_SSL|ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO$)/.test(each),
    ) || /certificate|SSL routines|wrong version number/i.test(err instanceof Error ? err.message : '')
  )
}
