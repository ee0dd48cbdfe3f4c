import { hashedFile } from '../platform/http/content.ts'

// In the browser: each item of the stream is the page's changing parts as they are now, so a stream that broke off and
// came back has missed nothing. A part is replaced only when it became another; what had focus in it has it again, and what
// was opened stays open.
const SCRIPT = `
const badge = document.getElementById('state')
const say = (state, text) => {
  if (badge.dataset.state === state) return
  badge.dataset.state = state
  badge.textContent = text
}
const shown = new Map()
const stream = new EventSource(document.querySelector('main').dataset.stream)
stream.addEventListener('next', ({ data }) => {
  for (const [id, part] of Object.entries(JSON.parse(data).data)) {
    if (shown.get(id) === part) continue
    shown.set(id, part)
    const place = document.getElementById(id)
    const focus = place.contains(document.activeElement) ? document.activeElement : null
    const link = focus?.getAttribute('href')
    const details = focus?.closest('summary')?.parentElement.dataset.of
    const opened = new Set([...place.querySelectorAll('details[open]')].map((each) => each.dataset.of))
    place.innerHTML = part
    for (const each of place.querySelectorAll('details')) {
      each.open = opened.has(each.dataset.of)
      if (each.dataset.of === details) each.firstElementChild.focus()
    }
    if (link) [...place.querySelectorAll('a')].find((a) => a.getAttribute('href') === link)?.focus()
  }
  say('live', 'live')
})
stream.addEventListener('error', () => {
  if (stream.readyState === EventSource.CLOSED) say('ended', 'reload for what is new')
  else say('reconnecting', 'reconnecting')
})
`.trim()

export const liveScript = hashedFile('start-page.js', 'text/javascript; charset=utf-8', SCRIPT)
