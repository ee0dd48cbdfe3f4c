import { DateTime } from 'luxon'
import type { StartPageQuery } from '../client/gql/graphql.ts'
import { type ExampleTitle, exampleLinks, graphiqlLink } from '../explorer/examples.ts'
import { renderPage } from '../platform/http/page.ts'
import { type Html, html } from '../platform/lib/html.ts'
import { StartPage } from './documents.ts'
import { liveScript } from './live-script.ts'
import { START_STYLE } from './style.ts'

/** What the page says besides what is in the workspace. */
export interface StartPageOptions {
  readonly mode: 'live' | 'rehearsal'
  /** The form to try; the workspace's newest that is open unless told. */
  readonly formPath?: string
  /** Whom employees ask, in a sentence for whoever reads the page. */
  readonly decides: string
  /** By what GraphiQL knows who reads the page; undefined where there is no GraphiQL. */
  readonly graphiql: string | undefined
  /** Who is signed in, and how to sign out or in. */
  readonly bar?: Html
  /** Where the script hears of changes. */
  readonly streamPath: string
  /** What there is to read, as far as this server has it. */
  readonly reading: readonly Link[]
}

export interface Link {
  readonly href: string
  readonly text: string
}

/** The workspace that is shown: who asks for the page is in one. */
function workspaceOf({ viewer: { workspace } }: StartPageQuery) {
  if (workspace === null) throw new Error('the start page is asked for in a workspace')
  return workspace
}

/** The page as it is now; without a script it stays so. */
export function renderStartPage(data: StartPageQuery, options: StartPageOptions, now: Date): string {
  const { name, timeZone } = workspaceOf(data)
  const { team, waiting, last } = renderParts(data, now, options)
  const query = 'one query'
  const body = html`
<main data-stream="${options.streamPath}">
${options.bar}
<header>
<h1>Cadre <span>· ${name} workspace</span></h1>
<p><span id="state" role="status">as of ${clockText(now, timeZone, now)}, reload for what is new</span> · model: ${options.mode}</p>
</header>
<section class="card" aria-label="The team"><ul id="team">${team}</ul></section>
<nav class="card" aria-label="What to do here">
<ol>
${renderDoors(data, options, waiting)}
</ol>
</nav>
<section class="card" aria-labelledby="last-title">
<h2 id="last-title">What happened last</h2>
<ol id="last">${last}</ol>
</section>
<footer>
<p>Times are those of ${timeZone}. This page shows what ${
    options.graphiql === undefined ? query : html`<a href="${graphiqlLink(StartPage.toString())}">${query}</a>`
  } answers.</p>
</footer>
</main>`
  return renderPage({ title: `Cadre · ${name} workspace`, style: START_STYLE, body, script: liveScript.path })
}

/** The parts that change, by the id of their place in the page. */
export function renderParts(data: StartPageQuery, now: Date, { graphiql }: Pick<StartPageOptions, 'graphiql'>) {
  const { timeZone } = workspaceOf(data)
  const time = (moment: string): Html => {
    const date = new Date(moment)
    return html`<time datetime="${moment}">${clockText(date, timeZone, now)}</time>`
  }
  return {
    team: html`${
      data.employees.nodes.length === 0
        ? html`<li class="note">Nobody works here yet. <a href="/docs/guide/your-first-employee">Hire somebody</a></li>`
        : data.employees.nodes.map((employee) => renderEmployee(employee, time))
    }`,
    waiting: renderWaiting(data.approvals, graphiql !== undefined),
    last: html`${
      data.events.nodes.length === 0
        ? html`<li class="note">No work yet.</li>`
        : data.events.nodes
            .toReversed()
            .map(({ occurredAt, summary }) => html`<li>${time(occurredAt)}<span>${summary}</span></li>`)
    }`,
  }
}

type Employee = StartPageQuery['employees']['nodes'][number]

// The sentence of these states says itself since when.
const SAYS_SINCE = new Set(['WAITING', 'STUCK', 'PAUSED'])

function renderEmployee({ name, title, activity }: Employee, time: (moment: string) => Html): Html {
  const { state, text, since } = activity
  const mark = state.toLowerCase()
  const doing = text.toLowerCase() === mark ? '' : text
  return html`<li><span><strong>${name}</strong> <small>· ${title}</small></span><span class="does"><span class="mark ${state}">${mark}</span> <span>${doing}</span> ${
    !SAYS_SINCE.has(state) && html`<span class="since">since ${time(since)}</span>`
  }</span></li>`
}

function renderWaiting({ totalCount, nodes }: StartPageQuery['approvals'], linked: boolean): Html {
  if (totalCount === 0) return html`<p class="note">Nothing waits for you at the moment.</p>`
  const count = totalCount === 1 ? '1 approval waits for you' : `${totalCount} approvals wait for you`
  const more = totalCount - nodes.length
  const others = html`${more} more`
  return html`<p>${count}${linked ? '; each opens in GraphiQL, where you decide' : ''}:</p><ul>${nodes.map(
    ({ id, title, reason, employee, changes }) =>
      html`<li>${linked ? html`<a href="${exampleLinks({ approval: id }).get('Decide') ?? ''}">${title}</a>` : title}${
        employee !== null && html` <small>· ${employee.name}</small>`
      }${renderChanges(id, reason, changes)}</li>`,
  )}</ul>${
    more > 0 &&
    html`<p class="note">and ${linked ? html`<a href="${exampleLinks({}).get('WaitingForMe') ?? ''}">${others}</a>` : others}</p>`
  }`
}

type Changes = StartPageQuery['approvals']['nodes'][number]['changes']

/** Why somebody is asked, and what would be done: the texts from their beginning, whole in GraphiQL. */
const renderChanges = (id: string, reason: string, changes: Changes): Html =>
  html`<details data-of="${id}"><summary>why, and what it would do</summary><dl><dt>why</dt><dd>${beginningOf(reason)}</dd>${changes.map(
    ({ field, to }) => html`<dt>${field}</dt><dd>${beginningOf(to ?? 'none')}</dd>`,
  )}</dl></details>`

const LONGEST_TEXT = 400
const beginningOf = (text: string): string => {
  const characters = [...text]
  return characters.length > LONGEST_TEXT ? `${characters.slice(0, LONGEST_TEXT).join('')} …` : text
}

const EXPLORED: readonly (readonly [ExampleTitle, string])[] = [
  ['WhoAmI', 'who am I'],
  ['MyTeam', 'my team'],
  ['SendALead', 'send a lead'],
  ['WatchEverything', 'watch everything'],
  ['WatchARun', 'watch a run'],
  ['WaitingForMe', 'waiting for me'],
  ['Decide', 'decide'],
]

function renderDoors(
  data: StartPageQuery,
  {
    formPath = data.forms.nodes.find(({ status }) => status === 'ACTIVE')?.path,
    decides,
    graphiql,
    reading,
  }: StartPageOptions,
  waiting: Html,
): readonly Html[] {
  const [run] = data.runs.nodes
  const [approval] = data.approvals.nodes
  const links = exampleLinks({
    ...(run === undefined ? {} : { run: run.id }),
    ...(approval === undefined ? {} : { approval: approval.id }),
  })
  const explored = EXPLORED.flatMap(([title, text]) => {
    const href = links.get(title)
    return href === undefined ? [] : [html`<li><a href="${href}">${text}</a></li> `]
  })
  const doors = [
    ...(graphiql === undefined
      ? []
      : [
          {
            title: 'Explore the API',
            content: html`<p class="note">In GraphiQL, signed in ${graphiql}:</p><ul>${explored}</ul>`,
          },
        ]),
    ...(formPath === undefined
      ? []
      : [
          {
            title: 'Be a lead',
            content: html`<p><a href="${formPath}" target="_blank" rel="noopener">Fill in the form</a> <span class="note">in a tab of its own, and watch here who takes it.</span></p>`,
          },
        ]),
    {
      title: 'Decide',
      content: html`<p class="note">${decides}</p><div id="waiting">${waiting}</div>`,
    },
    ...(reading.length === 0
      ? []
      : [
          {
            title: 'Read',
            content: html`<ul>${reading.map(({ href, text }) => html`<li><a href="${href}">${text}</a></li> `)}</ul>`,
          },
        ]),
  ]
  return doors.map(
    (
      { title, content },
      index,
    ) => html`<li><b aria-hidden="true">${index + 1}</b><div><h2>${title}</h2>${content}</div></li>
`,
  )
}

/** `09:41`, with the day when it is another one. */
function clockText(moment: Date, zone: string, now: Date): string {
  const local = DateTime.fromJSDate(moment, { zone }).setLocale('en')
  return local.toFormat(local.hasSame(DateTime.fromJSDate(now, { zone }), 'day') ? 'HH:mm' : 'd LLL, HH:mm')
}
