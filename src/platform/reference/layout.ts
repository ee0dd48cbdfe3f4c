import { type Html, html } from '../lib/html.ts'
import { CHAPTERS, type ChapterKey, GUIDE, ROOT } from './places.ts'

export interface Layout {
  readonly title: string
  /** Where in the navigation the page is: a chapter, or one of the pages beside them. */
  readonly at: ChapterKey | 'overview' | 'guide' | 'conventions' | 'permissions'
  /** The thing the page is about, where it is about one. */
  readonly name?: string
  /** What stands in the page's chapter. */
  readonly siblings: readonly Sibling[]
  readonly body: Html
}

export interface Sibling {
  readonly name: string
  readonly href: string
}

/** The whole document. All it loads is a style and a script of its own address; without script only the search is away. */
export function renderLayout({ title, at, name, siblings, body }: Layout): string {
  const place = (key: Layout['at'], href: string, shown: string): Html =>
    html`<li><a href="${href}"${key === at && name === undefined && html` aria-current="page"`}>${shown}</a>${
      key === at &&
      siblings.length > 0 &&
      html`<ul class="siblings">${siblings.map((entry) => sibling(entry, name))}</ul>`
    }</li>
`
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Cadre API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${ROOT}/reference.css">
<script src="${ROOT}/search.js" defer></script>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header>
<a class="home" href="${ROOT}">Cadre API</a>
<form class="search" role="search" hidden>
<label for="search">Search</label>
<input id="search" type="search" autocomplete="off" spellcheck="false" placeholder="deal, won, cursor …" aria-describedby="found">
<div class="results"><p id="found" role="status"></p><ul id="results"></ul></div>
</form>
</header>
<div class="columns">
<nav aria-label="Reference">
<ul>
${place('overview', ROOT, 'Overview')}${place('guide', GUIDE, 'Guide')}${place('conventions', `${ROOT}/conventions`, 'Conventions')}${place('permissions', `${ROOT}/permissions`, 'Permissions')}${Object.values(
  CHAPTERS,
).map(({ key, title: shown }) => place(key, `${ROOT}/${key}`, shown))}</ul>
</nav>
<main id="content" tabindex="-1">
${body}
</main>
</div>
</body>
</html>
`.text
}

const sibling = ({ name, href }: Sibling, current: string | undefined): Html =>
  html`
<li><a href="${href}"${name === current && html` aria-current="page"`}>${name}</a></li>`
