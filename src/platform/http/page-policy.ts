import { createHash } from 'node:crypto'

/** What a page may load, and where it may lead, each as content security policies write sources. All else is forbidden. */
export interface PagePolicy {
  readonly scripts?: readonly string[]
  readonly styles?: readonly string[]
  readonly images?: readonly string[]
  readonly fonts?: readonly string[]
  readonly workers?: readonly string[]
  readonly connections?: readonly string[]
  /** Where its forms may be sent, and be redirected to after that. */
  readonly formTargets?: readonly string[]
  /** Which pages are told where their reader came from: none unless told. */
  readonly referrer?: 'no-referrer' | 'same-origin'
}

/** The source for one inline script or style: this text and no other. */
export const inlineSource = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** The headers of a page under this policy; no page of ours may stand in a frame. What all answers say is said before. */
export function pageHeaders(policy: PagePolicy): Readonly<Record<string, string>> {
  const allowed = {
    'script-src': policy.scripts,
    'style-src': policy.styles,
    'img-src': policy.images,
    'font-src': policy.fonts,
    'worker-src': policy.workers,
    'connect-src': policy.connections,
  }
  const directives = [
    "default-src 'none'",
    ...Object.entries(allowed).flatMap(([name, sources]) =>
      sources === undefined ? [] : [`${name} ${sources.join(' ')}`],
    ),
    `form-action ${policy.formTargets?.join(' ') ?? "'none'"}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    'content-security-policy': directives.join('; '),
    'referrer-policy': policy.referrer ?? 'no-referrer',
  }
}
