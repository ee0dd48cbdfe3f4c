/** The signature of `fetch` as the SDK calls it: an absolute URL and a request. */
export type ModelFetch = (url: string | URL | Request, init?: RequestInit) => Promise<Response>

/** The request never reached the other side, so it cannot have been billed. */
export class NotSentError extends Error {
  readonly code: string

  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'NotSentError'
    this.code = code
  }
}

const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

/** The network. A failure to connect is thrown as `NotSentError`; the SDK alone would lose that difference. */
export const liveFetch: ModelFetch = async (url, init) => {
  try {
    return await fetch(url, init)
  } catch (err) {
    const code = connectCode(err)
    if (code === undefined) throw err
    const host = new URL(url instanceof Request ? url.url : url).host
    throw new NotSentError(`No connection to ${host} (${code})`, code, { cause: err })
  }
}

/** `fetch` hides the reason two levels down, and below an AggregateError when a name has several addresses. */
function connectCode(err: unknown): string | undefined {
  const cause = err instanceof Error ? err.cause : undefined
  if (!(cause instanceof Error)) return undefined
  const causes: unknown[] = cause instanceof AggregateError ? [cause, ...(cause.errors as unknown[])] : [cause]
  for (const each of causes) {
    const code = each instanceof Error && 'code' in each ? each.code : undefined
    if (typeof code === 'string' && NEVER_CONNECTED.has(code)) return code
  }
  return undefined
}
