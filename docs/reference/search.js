// The reference's search. Without it every page works; the index is fetched when somebody begins to search.

const form = document.querySelector('.search')
const input = document.querySelector('#search')
const results = document.querySelector('#results')
const found = document.querySelector('#found')
const SHOWN = 30

let index
async function load() {
  index ??= fetch('/docs/search.json').then((answer) => answer.json())
  return await index
}

/** How well a name fits what was typed: whole, at its beginning, at the beginning of a part, anywhere, in the sentence. */
function rank([name, , , sentence], plain) {
  const wanted = bare(plain)
  if (wanted === '') return undefined
  const low = bare(name)
  const own = low.split('.').at(-1)
  if (low === wanted || own === wanted) return 0
  if (low.startsWith(wanted)) return 1
  if (own.startsWith(wanted)) return 2
  if (low.includes(wanted)) return 3
  return sentence.toLowerCase().includes(plain) ? 4 : undefined
}

/** `DEAL_STAGE_CHANGED`, `dealStageChanged` and "deal stage changed" are the same. */
const bare = (text) => text.toLowerCase().replace(/[^a-z0-9.]/g, '')

function item([name, what, href, sentence]) {
  const link = document.createElement('a')
  link.href = href
  const title = document.createElement('code')
  title.textContent = name
  const about = document.createElement('span')
  about.textContent = `${what} · ${sentence}`
  link.append(title, about)
  const line = document.createElement('li')
  line.append(link)
  return line
}

async function search() {
  const plain = input.value.trim().toLowerCase()
  if (plain === '') {
    results.replaceChildren()
    found.textContent = ''
    return
  }
  const entries = await load()
  if (input.value.trim().toLowerCase() !== plain) return
  const fitting = entries
    .map((entry) => [rank(entry, plain), entry])
    .filter(([place]) => place !== undefined)
    .sort(([a, one], [b, other]) => a - b || one[0].length - other[0].length)
  results.replaceChildren(...fitting.slice(0, SHOWN).map(([, entry]) => item(entry)))
  found.textContent =
    fitting.length === 0
      ? `Nothing found for "${input.value.trim()}".`
      : fitting.length > SHOWN
        ? `The first ${SHOWN} of ${fitting.length}.`
        : `${fitting.length} found.`
}

const links = () => [...results.querySelectorAll('a')]

// The list of a chapter is long: shows where in it the page stands.
const nav = document.querySelector('nav')
const here = nav.querySelector('.siblings [aria-current]')
if (here !== null) nav.scrollTop = here.offsetTop - nav.clientHeight / 2

form.hidden = false
form.addEventListener('submit', (event) => {
  event.preventDefault()
  links()[0]?.click()
})
input.addEventListener('input', search)
form.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    input.value = ''
    search()
    input.focus()
  }
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
  const stops = [input, ...links()]
  const at = stops.indexOf(document.activeElement)
  const next = stops[at + (event.key === 'ArrowDown' ? 1 : -1)]
  if (next === undefined) return
  event.preventDefault()
  next.focus()
})
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || document.activeElement === input) return
  event.preventDefault()
  input.focus()
})
// A link on the same page changes the place only.
results.addEventListener('click', () => {
  input.value = ''
  search()
})
