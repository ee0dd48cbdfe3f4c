import { type Html, html, trusted } from '../lib/html.ts'
import { inlineSource } from './page-policy.ts'

/** A style as pages carry it, and its source for their policy: this style and no other. */
export interface PageStyle {
  readonly text: string
  readonly source: string
}

// Phone first, light and dark by the reader's setting, nothing loaded from anywhere.
const BASE = `
:root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--ink:#1b2130;--soft:#596277;--line:#848da0;--hair:#e3e6ec;--accent:#2f54d4;--on-accent:#fff;--bad:#b3261e;--bad-ground:#fdeeed;--good:#16713f;--wait:#8a5300;--ring:#2f54d466}
@media (prefers-color-scheme:dark){:root{--ground:#12151c;--card:#1b202b;--ink:#eceff5;--soft:#a6afc1;--line:#717b8f;--hair:#2c3342;--accent:#8ea8ff;--on-accent:#0e1430;--bad:#ffb3ab;--bad-ground:#3a1f1f;--good:#6fd79c;--wait:#f2bd6b;--ring:#8ea8ff80}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:break-word}
main{max-width:38rem;margin:0 auto;padding:1.5rem 1rem 3rem}
.card{background:var(--card);border:1px solid var(--hair);border-radius:.75rem;padding:1.5rem 1.25rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .5rem;text-wrap:balance}
h2{font-size:1.05rem;margin:0 0 .35rem}
p{margin:0 0 1rem}
a{color:var(--accent)}
a:focus-visible{outline:3px solid var(--ring);outline-offset:1px}
@media (min-width:40rem){main{padding-top:3rem}.card{padding:2rem 2.25rem}}
`.trim()

/** The look that all pages share, and what is a page's own. */
export function pageStyle(own = ''): PageStyle {
  const text = `${BASE}\n${own.trim()}`
  return { text, source: inlineSource(text) }
}

export interface Page {
  readonly title: string
  readonly style: PageStyle
  readonly body: Html
  /** The address of a script of ours; the page works without it. */
  readonly script?: string
}

/** The whole document. Its icon and its style are inside. */
export function renderPage({ title, style, body, script }: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${trusted(style.text)}</style>${
    script !== undefined &&
    html`
<script src="${script}" defer></script>`
  }
</head>
<body>
${body}
</body>
</html>
`.text
}
