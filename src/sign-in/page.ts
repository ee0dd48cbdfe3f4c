import { sendContent } from '../platform/http/content.ts'
import { renderPage } from '../platform/http/page.ts'
import { pageHeaders } from '../platform/http/page-policy.ts'
import type { Exchange } from '../platform/http/router.ts'
import type { ErrorCode, InputIssue } from '../platform/lib/errors.ts'
import { attributes, type Html, html } from '../platform/lib/html.ts'
import { SIGN_IN_STYLE } from './fields.ts'

/** What a page of these shows. */
export interface Shown {
  readonly title: string
  /** Cards, one under the other. */
  readonly cards: readonly Html[]
  /** 200 unless told. */
  readonly status?: number
  /** Where forms may lead beside here: browsers hold the redirect that answers one against the policy as well. */
  readonly leadsTo?: string
}

/** What was wrong with a form that was sent. */
export interface Fault {
  readonly status: number
  readonly issues: readonly InputIssue[]
  readonly problem: string | undefined
  readonly retryAfterMs: number | undefined
}

const STATUS: Readonly<Record<ErrorCode, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  INVALID_INPUT: 422,
  CONFLICT: 409,
  LIMIT_EXCEEDED: 429,
  UNAVAILABLE: 503,
  CURSOR_EXPIRED: 410,
}

export const statusOfCode = (code: ErrorCode): number => STATUS[code]

export const heading = (title: string): Html => html`<h1>${title}</h1>`

export const link = (href: string, text: string): Html => html`<a${attributes({ href })}>${text}</a>`

/** Answers with the page. Other origins cannot read it, and it stands in no frame. */
export async function sendPage(exchange: Exchange, shown: Shown, retryAfterMs?: number): Promise<void> {
  exchange.response.removeHeader('access-control-allow-origin')
  const { title, cards, status = 200, leadsTo } = shown
  const body = renderPage({
    title: `${title} · Cadre`,
    style: SIGN_IN_STYLE,
    body: html`<main>${cards.map((card) => html`<div class="card">${card}</div>`)}</main>`,
  })
  const headers = pageHeaders({
    styles: [SIGN_IN_STYLE.source],
    images: ['data:'],
    formTargets: ["'self'", ...(leadsTo === undefined ? [] : [leadsTo])],
    // What is sent from it says where it comes from; addresses that hold a secret go nowhere else.
    referrer: 'same-origin',
  })
  await sendContent(exchange, {
    status,
    type: 'text/html; charset=utf-8',
    headers: {
      ...headers,
      ...(retryAfterMs === undefined || retryAfterMs <= 0
        ? {}
        : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }),
    },
    body,
    keep: 'NOBODY',
  })
}

/** Goes on to a page with GET, whatever was sent before: reloading that page sends nothing again. */
export function goOn({ response }: Exchange, location: string): void {
  response.removeHeader('access-control-allow-origin')
  response.writeHead(303, { location, 'cache-control': 'no-store', 'content-length': 0 }).end()
}

/** One card with a message and where to go from there. */
export const message = (title: string, text: string, to?: { readonly href: string; readonly text: string }): Shown => ({
  title,
  cards: [html`${heading(title)}<p>${text}</p>${to !== undefined && html`<p>${link(to.href, to.text)}</p>`}`],
})

/** For a link of which the end is missing, or that was never one. */
export const brokenLinkPage = (to: { readonly href: string; readonly text: string }): Shown => ({
  ...message('This link is not whole', 'Open the link in the mail as it stands there.', to),
  status: 404,
})
