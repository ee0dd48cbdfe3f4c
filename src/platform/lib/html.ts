/*
 * HTML that cannot be broken out of: a template writes every value escaped, unless it is itself made by a template. Text
 * of strangers goes through here and nowhere else on its way into a page.
 */

/** Made by `html`; safe to stand in a page as it is. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Text of ours that is HTML, or a style, already: never text of a stranger's. */
export const trusted = (text: string): Html => new Html(text)

type Value = string | number | Html | readonly Html[] | null | undefined | false

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  // Old parsers take a backtick for a quote.
  '`': '&#96;',
}

/** A text as it stands between tags or, in quotes, in an attribute. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"'`]/g, (sign) => ENTITIES[sign] ?? sign)

/** A piece of a page. Values stand between tags or in quoted attributes; null, undefined and false are left out. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(
    parts.reduce((text, part, index) => {
      const value = values[index - 1]
      return text + render(value) + part
    }),
  )
}

function render(value: Value): string {
  if (value === null || value === undefined || value === false) return ''
  if (value instanceof Html) return value.text
  return typeof value === 'object' ? value.map((each) => each.text).join('') : escapeHtml(String(value))
}

/** Attributes of an element, each with a space before it: true stands alone, false and undefined are left out. */
export function attributes(values: Readonly<Record<string, string | number | boolean | undefined>>): Html {
  return new Html(
    Object.entries(values)
      .map(([name, value]) => {
        if (value === undefined || value === false) return ''
        return value === true ? ` ${name}` : ` ${name}="${escapeHtml(String(value))}"`
      })
      .join(''),
  )
}
