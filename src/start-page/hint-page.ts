import { renderPage } from '../platform/http/page.ts'
import { type Html, html } from '../platform/lib/html.ts'
import type { Link } from './page.ts'
import { START_STYLE } from './style.ts'

/** For who is not known here: where the API is and what it asks for. No word of what is in it. */
export const renderSignInHint = (reading: readonly Link[]): string =>
  renderHint(html`
<p>This is a Cadre server. Its API is at <a href="/graphql"><code>/graphql</code></a> and asks for a key:</p>
<p><code>Authorization: Bearer KEY</code></p>
<p>Who has none asks an owner of the workspace.</p>
${reading.length > 0 && html`<p>To read: ${reading.map(({ href, text }) => html`<a href="${href}">${text}</a> `)}</p>`}`)

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
