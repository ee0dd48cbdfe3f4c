import { FORM_RULES } from '../platform/http/form-style.ts'
import { pageStyle } from '../platform/http/page.ts'
import type { InputIssue } from '../platform/lib/errors.ts'
import { attributes, type Html, html } from '../platform/lib/html.ts'

/** How the pages of signing in look. */
export const SIGN_IN_STYLE = pageStyle(`
${FORM_RULES}
main{max-width:30rem}
.card{margin:0 0 1.1rem}
.card>p:last-child,.card>form:last-child,.card>ul:last-child{margin-bottom:0}
.card form{margin:0 0 1rem}
.or{display:flex;align-items:center;gap:.8rem;color:var(--soft);margin:1.2rem 0}
.or::before,.or::after{content:"";flex:1;border-top:1px solid var(--hair)}
.card button,.button{width:100%}
.second{background:var(--card);color:var(--accent);border-color:var(--line)}
.button{display:block;text-align:center;text-decoration:none;font-weight:600;border:1px solid var(--line);border-radius:.45rem;padding:.7rem 1.6rem;min-height:2.9rem}
.good{border:1px solid var(--good);border-radius:.5rem;padding:.9rem 1rem;margin:0 0 1.35rem}
.good p{margin:0}
ul.rows{list-style:none;margin:0 0 1rem;padding:0}
ul.rows li{display:flex;flex-wrap:wrap;gap:.3rem 1rem;align-items:center;justify-content:space-between;padding:.7rem 0;border-top:1px solid var(--hair)}
ul.rows li:first-child{border-top:0}
ul.rows li>div{min-width:0;flex:1 1 14rem}
ul.rows form{margin:0}
ul.rows button,.small{width:auto;min-height:2.4rem;padding:.35rem 1rem}
small{color:var(--soft);font-size:.92rem}
details summary{cursor:pointer;font-weight:600;padding:.4rem 0}
`)

/** One field of a form: text of some kind, or a choice. */
export interface Field {
  readonly name: string
  readonly label: string
  readonly kind: 'text' | 'email' | 'password'
  /** What browsers and their password stores fill in. */
  readonly autocomplete?: string
  readonly help?: string
  readonly maxLength?: number
  /** What may be chosen, where it is not typed. */
  readonly choices?: readonly string[]
  readonly value?: string
  /** Shown, but not to be changed. */
  readonly fixed?: boolean
}

export interface Form {
  /** Where it is sent. */
  readonly action: string
  readonly button: string
  readonly fields?: readonly Field[]
  /** What goes with it unseen. */
  readonly hidden?: Readonly<Record<string, string | undefined>>
  /** Proves that the page was ours; see `form-token.ts`. */
  readonly token: string
  /** What was wrong with it the last time. */
  readonly issues?: readonly InputIssue[]
  /** What was wrong with the whole, in a sentence. */
  readonly problem?: string | undefined
  readonly second?: boolean
  /** Sets its fields' ids apart where a page has several forms. */
  readonly id?: string
}

export const TOKEN_FIELD = '_token'

/** A form that needs no script: labels, help and errors are tied to their fields, and the first error has focus. */
export function renderForm(form: Form): Html {
  const { action, button, fields = [], hidden = {}, token, issues = [], problem, second = false, id = '' } = form
  const issueOf = new Map(issues.map((issue) => [issue.path[0] ?? '', issue]))
  const firstWrong = problem === undefined ? fields.find(({ name }) => issueOf.has(name)) : undefined
  return html`${renderSummary(form, fields, id)}<form method="post"${attributes({ action })} accept-charset="utf-8" novalidate>
<input type="hidden" autocomplete="off"${attributes({ name: TOKEN_FIELD, value: token })}>
${Object.entries(hidden).map(
  ([name, value]) =>
    html`${value !== undefined && html`<input type="hidden" autocomplete="off"${attributes({ name, value })}>`}`,
)}
${fields.map((field) => renderField(field, `${id}${field.name}`, issueOf.get(field.name)?.message, field === firstWrong))}
<button type="submit"${attributes({ class: second ? 'second' : undefined })}>${button}</button>
</form>`
}

function renderSummary({ issues = [], problem }: Form, fields: readonly Field[], id: string): Html {
  if (issues.length === 0 && problem === undefined) return html``
  const place = ({ path }: InputIssue) => fields.findIndex(({ name }) => name === path[0])
  const items = issues
    .toSorted((a, b) => place(a) - place(b))
    .map(({ path, message }) => {
      const field = fields.find(({ name }) => name === path[0])
      return field === undefined
        ? html`<li>${message}</li>`
        : html`<li><a${attributes({ href: `#${id}${field.name}` })}>${field.label}</a>: ${message}</li>`
    })
  return html`<div class="summary" role="alert">${
    problem === undefined
      ? html`<h2>${items.length === 1 ? 'One thing is' : `${items.length} things are`} not right yet</h2>`
      : html`<p>${problem}</p>`
  }${items.length > 0 && html`<ul>${items}</ul>`}</div>`
}

function renderField(field: Field, id: string, wrong: string | undefined, focused: boolean): Html {
  const { name, label, kind, help, autocomplete, maxLength, choices, value = '', fixed = false } = field
  const described = [...(help === undefined ? [] : [`${id}-help`]), ...(wrong === undefined ? [] : [`${id}-error`])]
  const common = {
    id,
    name,
    required: true,
    autofocus: focused,
    autocomplete,
    'aria-describedby': described.join(' ') || undefined,
    'aria-invalid': wrong === undefined ? undefined : 'true',
  }
  const control =
    choices === undefined
      ? html`<input${attributes({ ...common, type: kind, maxlength: maxLength, value, readonly: fixed })}>`
      : html`<select${attributes(common)}>${choices.map(
          (choice) => html`<option${attributes({ value: choice, selected: choice === value })}>${choice}</option>`,
        )}</select>`
  return html`<div${attributes({ class: wrong === undefined ? 'field' : 'field bad' })}>
<label${attributes({ for: id })}>${label}</label>
${help !== undefined && html`<p class="help"${attributes({ id: `${id}-help` })}>${help}</p>`}
${wrong !== undefined && html`<p class="wrong"${attributes({ id: `${id}-error` })}>${wrong}</p>`}
${control}
</div>
`
}
