import { renderPage } from '../../platform/http/page.ts'
import type { InputIssue } from '../../platform/lib/errors.ts'
import { attributes, type Html, html } from '../../platform/lib/html.ts'
import type { FormDefinition } from '../forms/model.ts'
import { controlId, renderField } from './field-html.ts'
import { FORM_STYLE } from './page-style.ts'

/** What was typed, by field key: kept when the page comes back with errors. */
export type TypedValues = Readonly<Record<string, string | readonly string[]>>

/** Members of a post that are not answers; a field key cannot begin with an underscore. */
export const ID_MEMBER = '_id'
export const TOKEN_MEMBER = '_token'
export const REFERRER_MEMBER = '_referrer'

export interface FormPage {
  readonly name: string
  readonly definition: FormDefinition
  /** Where it is sent to: the page's own path, with what is to be kept of its query. */
  readonly action: string
  /** Made anew with each page: pressing twice sends one submission. */
  readonly submissionId: string
  readonly token: string
  readonly referrer: string
  readonly honeypot: string | null
  readonly values: TypedValues
  readonly issues: readonly InputIssue[]
  /** What went wrong with the whole, in a sentence. */
  readonly problem?: string
}

/** A form as a page that needs no script: labels, help and errors are tied to their fields, and the first error has focus. */
export function renderFormPage(page: FormPage): string {
  const issueOf = new Map(page.issues.map((issue) => [issue.path[0] ?? '', issue]))
  const { fields } = page.definition
  const firstWrong = fields.find((field) => issueOf.has(field.key))
  const failed = page.issues.length > 0 || page.problem !== undefined
  const body = html`
<h1>${page.name}</h1>
${fields.some((field) => field.required && field.kind !== 'HIDDEN') && html`<p class="note">Fields with <span class="needed" aria-hidden="true">*</span><span class="extra">a star</span> are needed.</p>`}
${failed && renderSummary(page, fields)}
<form method="post"${attributes({ action: page.action })} accept-charset="utf-8" novalidate>
<input type="hidden" name="${ID_MEMBER}" autocomplete="off"${attributes({ value: page.submissionId })}>
<input type="hidden" name="${TOKEN_MEMBER}" autocomplete="off"${attributes({ value: page.token })}>
${page.referrer !== '' && html`<input type="hidden" name="${REFERRER_MEMBER}"${attributes({ value: page.referrer })}>`}
${fields.map((field) =>
  renderField(field, {
    typed: page.values[field.key],
    wrong: issueOf.get(field.key)?.message,
    focused: field === firstWrong && page.problem === undefined,
  }),
)}
${page.honeypot !== null && renderHoneypot(page.honeypot)}
<button type="submit">Send</button>
</form>`
  return renderDocument(failed ? `Error: ${page.name}` : page.name, body)
}

function renderSummary(page: FormPage, fields: FormDefinition['fields']): Html {
  const labels = new Map(fields.map((field) => [field.key, field]))
  const items = page.issues.map((issue) => {
    const field = labels.get(issue.path[0] ?? '')
    return field === undefined || field.kind === 'HIDDEN'
      ? html`<li>${issue.path.join('.')} – ${issue.message}</li>`
      : html`<li><a${attributes({ href: `#${controlId(field)}` })}>${field.label}</a> – ${issue.message}</li>`
  })
  return html`<div class="summary" role="alert">${
    page.problem === undefined
      ? html`<h2>${items.length === 1 ? 'One thing is' : `${items.length} things are`} not right yet</h2>`
      : html`<p>${page.problem}</p>`
  }${items.length > 0 && html`<ul>${items}</ul>`}</div>`
}

/** People neither see nor reach it; programs fill it in. */
const renderHoneypot = (name: string): Html => html`<div class="extra" aria-hidden="true">
<label>Leave this empty<input type="text"${attributes({ name })} tabindex="-1" autocomplete="off"></label>
</div>`

/** A page with one message: thanks, or why there is no form here. */
export function renderMessagePage(page: {
  readonly title: string
  readonly text: string
  readonly link?: { readonly href: string; readonly text: string }
}): string {
  const { link } = page
  return renderDocument(
    page.title,
    html`
<h1>${page.title}</h1>
${page.text.split(/\n{2,}/).map((part) => html`<p>${part}</p>`)}
${link !== undefined && html`<p><a${attributes({ href: link.href })}>${link.text}</a></p>`}`,
  )
}

function renderDocument(title: string, body: Html): string {
  const card = html`<main><div class="card">${body}
</div></main>`
  return renderPage({ title, style: FORM_STYLE, body: card })
}
