import { renderPage } from '../platform/http/page.ts'
import { type Html, html } from '../platform/lib/html.ts'
import type { Link } from './page.ts'
import { START_STYLE } from './style.ts'

/** For who is not known here: where the API is and what it asks for. No word of what is in it. */
export const renderSignInHint = (reading: readonly Link[]): string =>
  renderHint(html`
<p>This is a Cadre server. <a href="/sign-in">Sign in</a> to see your workspace.</p>
<p>Its API is at <a href="/graphql"><code>/graphql</code></a>; programs send a key:</p>
<p><code>Authorization: Bearer KEY</code></p>
${reading.length > 0 && html`<p>To read: ${reading.map(({ href, text }) => html`<a href="${href}">${text}</a> `)}</p>`}`)

/** For who is signed in, but in no workspace. */
export const renderNoWorkspaceHint = (bar: Html): string =>
  renderHint(html`${bar}
<p>You are in no workspace yet. <a href="/account">Found one</a>, or open the link of an invite that somebody has sent you.</p>`)

/** For who came to a development server from elsewhere: a page of another site, another machine, a name that is not its own. */
export const renderOpenHereHint = (address: string): string =>
  renderHint(html`
<p>What is in the workspace is shown to who opens this page on the machine that runs Cadre, and by its own address:</p>
<p><a href="${address}">${address}</a></p>
<p class="note">It was opened from another site, or by another name.</p>`)

const renderHint = (content: Html): string =>
  renderPage({
    title: 'Cadre',
    style: START_STYLE,
    body: html`<main><div class="card hint"><h1>Cadre</h1>${content}</div></main>`,
  })
