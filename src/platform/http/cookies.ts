import type { IncomingMessage, ServerResponse } from 'node:http'

/** Where our cookies live: what is reached over https has names that no other site and no plain page can set. */
export interface CookiePlace {
  readonly secure: boolean
}

export const cookiePlaceOf = (publicUrl: string | undefined): CookiePlace => ({
  secure: publicUrl?.startsWith('https:') === true,
})

/** `__Host-` binds a cookie to this host, the whole path and https: https://datatracker.ietf.org/doc/html/rfc6265bis */
const nameAt = (name: string, { secure }: CookiePlace): string => (secure ? `__Host-${name}` : name)

/** The value of a cookie of ours; undefined where it was not sent. */
export function readCookie(request: Pick<IncomingMessage, 'headers'>, name: string, place: CookiePlace) {
  const wanted = nameAt(name, place)
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const equals = part.indexOf('=')
    if (equals > 0 && part.slice(0, equals).trim() === wanted) return part.slice(equals + 1).trim()
  }
  return undefined
}

/**
 * Sets a cookie that no script reads and that other sites' pages do not send along, but for links that lead here. `value` is
 * of base64url's letters and dots. Without `maxAgeS` it ends with the browser.
 */
export function setCookie(
  response: ServerResponse,
  name: string,
  value: string,
  place: CookiePlace & { readonly maxAgeS?: number },
): void {
  const age = place.maxAgeS === undefined ? '' : `; Max-Age=${place.maxAgeS}`
  const secure = place.secure ? '; Secure' : ''
  response.appendHeader('set-cookie', `${nameAt(name, place)}=${value}; Path=/; HttpOnly; SameSite=Lax${age}${secure}`)
}

export const clearCookie = (response: ServerResponse, name: string, place: CookiePlace): void =>
  setCookie(response, name, '', { ...place, maxAgeS: 0 })
