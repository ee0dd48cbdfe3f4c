import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attributes, escapeHtml, html } from './html.ts'

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('</textarea><script>', '"onfocus="x', "'><img src=x>", '<!--', '&lt;', '`', '\u2028', '\ud800'),
)

/** What a browser makes of entities, for the ones that are written. */
const decode = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&#96;', '`')
    .replaceAll('&amp;', '&')

describe('text in a page', () => {
  it('never contains a sign that means something to a browser, and reads as it was written', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const escaped = escapeHtml(text)
        expect(escaped).not.toMatch(/[<>"'`]|&(?!(?:amp|lt|gt|quot|#39|#96);)/)
        expect(decode(escaped)).toBe(text)
      }),
    )
  })

  it('stays inside its element and its attribute, wherever a template puts it', () => {
    fc.assert(
      fc.property(hostile, hostile, (label, value) => {
        const { text } = html`<p${attributes({ title: label, hidden: true, id: undefined })}>${value}</p>`
        const [, title, content] = /^<p title="([^"<>]*)" hidden>([^<>]*)<\/p>$/.exec(text) ?? []
        expect(decode(title ?? '?')).toBe(label)
        expect(decode(content ?? '?')).toBe(value)
      }),
    )
  })

  it('is not escaped twice when templates stand in templates', () => {
    const items = ['a & b', '<c>'].map((text) => html`<li>${text}</li>`)
    expect(html`<ul>${items}${null}${false}</ul>`.text).toBe('<ul><li>a &amp; b</li><li>&lt;c&gt;</li></ul>')
  })
})
