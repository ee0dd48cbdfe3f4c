/** A path as the log may have it: without the secrets that links of ours carry in it (`/invite/cadre_invite_…`). */
export const shownPath = (pathname: string): string => pathname.split('/').map(shownSegment).join('/')

function shownSegment(segment: string): string {
  const text = decoded(segment)
  const kind = /cadre_[a-z]+_/.exec(text)?.[0]
  return kind === undefined ? segment : `${kind}[redacted]`
}

/** What the router makes of it. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
