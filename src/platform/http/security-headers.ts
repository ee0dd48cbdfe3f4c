// What every answer tells browsers, whichever door it comes from; the one place for it. A page says more in its own policy
// (`page-policy.ts`), and what may be kept says for how long (`content.ts`): both come after and win.

const YEAR_S = 31_536_000
const PERMISSIONS = ['camera', 'display-capture', 'geolocation', 'microphone', 'payment', 'usb']

/**
 * The headers. `publicUrl` is how the world reaches us: where that is by https, browsers are told to come by nothing else.
 * Nothing is kept by anybody unless its door says so: most answers are for one credential.
 */
export function securityHeaders(publicUrl: string | undefined): Map<string, string> {
  return new Map([
    ['cache-control', 'no-store'],
    ['content-security-policy', "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"],
    ['cross-origin-opener-policy', 'same-origin'],
    // Of what is fetched without CORS: pages of other origins show and run nothing of ours.
    ['cross-origin-resource-policy', 'same-origin'],
    ['permissions-policy', PERMISSIONS.map((name) => `${name}=()`).join(', ')],
    ['referrer-policy', 'no-referrer'],
    ...(publicUrl?.startsWith('https:') === true
      ? ([['strict-transport-security', `max-age=${YEAR_S}`]] as const)
      : []),
    ['x-content-type-options', 'nosniff'],
    ['x-frame-options', 'DENY'],
  ])
}

/** An answer without a body on a connection that HTTP has let go of; closes it. */
export function bareAnswer(status: string, headers: ReadonlyMap<string, string>): string {
  const lines = [...headers, ['connection', 'close'], ['content-length', '0']].map(
    ([name, value]) => `${name}: ${value}`,
  )
  return [`HTTP/1.1 ${status}`, ...lines, '', ''].join('\r\n')
}
