import { attributes, type Html, html } from '../../platform/lib/html.ts'
import type { FormField } from '../forms/model.ts'

export interface FieldState {
  /** What was typed before; undefined on a fresh page. */
  readonly typed: string | readonly string[] | undefined
  /** What is wrong with it, in words. */
  readonly wrong: string | undefined
  readonly focused: boolean
}

/** One field with its label, its help and its error, which its control names in `aria-describedby`. */
export function renderField(field: FormField, state: FieldState): Html {
  switch (field.kind) {
    case 'HIDDEN':
      return html`<input type="hidden"${attributes({ name: field.key, value: textOf(state.typed) })}>`
    case 'CHECKBOX':
    case 'CONSENT':
      return renderTick(field, state)
    case 'MULTI_SELECT':
      return renderChoices(field, state)
    default:
      return html`<div${attributes({ class: classOf(state) })}>
<label${attributes({ for: field.key })}>${field.label}${star(field)}</label>
${around(field, state)}${renderControl(field, state)}
</div>
`
  }
}

const textOf = (typed: FieldState['typed']): string => (typeof typed === 'object' ? (typed[0] ?? '') : (typed ?? ''))

const listOf = (typed: FieldState['typed']): readonly string[] =>
  typeof typed === 'object' ? typed : typed === undefined ? [] : [typed]

const classOf = ({ wrong }: FieldState): string => (wrong === undefined ? 'field' : 'field bad')

const star = (field: FormField): Html | false =>
  field.required && html` <span class="needed" aria-hidden="true">*</span>`

const around = (field: FormField, { wrong }: FieldState): Html =>
  html`${
    field.help !== '' &&
    html`<p class="help"${attributes({ id: `${field.key}-help` })}>${field.help}</p>
`
  }${
    wrong !== undefined &&
    html`<p class="wrong"${attributes({ id: `${field.key}-error` })}>${wrong}</p>
`
  }`

const describedBy = (field: FormField, { wrong }: FieldState): string | undefined =>
  [...(field.help === '' ? [] : [`${field.key}-help`]), ...(wrong === undefined ? [] : [`${field.key}-error`])].join(
    ' ',
  ) || undefined

/** What every control has in common. */
const common = (field: FormField, state: FieldState) => ({
  id: field.key,
  name: field.key,
  required: field.required,
  autofocus: state.focused,
  'aria-describedby': describedBy(field, state),
  'aria-invalid': state.wrong === undefined ? undefined : 'true',
})

function renderControl(field: FormField, state: FieldState): Html {
  const shared = common(field, state)
  const typed = textOf(state.typed)
  switch (field.kind) {
    case 'LONG_TEXT':
      // A line break right after the tag is not part of the text.
      return html`<textarea${attributes({ ...shared, rows: 5, maxlength: field.maxLength ?? 10_000 })}>
${typed}</textarea>`
    case 'SELECT':
      return html`<select${attributes(shared)}><option value="">Please choose</option>${(field.options ?? []).map(
        ({ value, label }) => html`<option${attributes({ value, selected: value === typed })}>${label}</option>`,
      )}</select>`
    case 'CURRENCY':
      return html`<div class="money"><input${attributes({
        ...shared,
        type: 'text',
        inputmode: 'decimal',
        value: typed,
      })}><span>${field.currency}</span></div>`
    default:
      return html`<input${attributes({ ...shared, ...INPUTS[field.kind], ...completion(field), ...lengths(field), value: typed })}>`
  }
}

// Numbers are typed as text: a number input drops what it cannot read before anybody can say what is wrong with it.
const INPUTS: Readonly<Partial<Record<FormField['kind'], Readonly<Record<string, string>>>>> = {
  TEXT: { type: 'text' },
  EMAIL: { type: 'email', autocomplete: 'email' },
  PHONE: { type: 'tel', autocomplete: 'tel' },
  NUMBER: { type: 'text', inputmode: 'decimal' },
  DATE: { type: 'date' },
  URL: { type: 'url', inputmode: 'url', autocomplete: 'url' },
}

const COMPLETION = { NAME: 'name', COMPANY: 'organization', EMAIL: 'email', PHONE: 'tel' } as const

const completion = (field: FormField) =>
  field.contactField === undefined ? {} : { autocomplete: COMPLETION[field.contactField] }

const lengths = (field: FormField) =>
  field.kind === 'TEXT' ? { maxlength: field.maxLength ?? 1_000 } : { maxlength: field.maxLength }

function renderTick(field: FormField, state: FieldState): Html {
  const checked = state.typed !== undefined && textOf(state.typed) !== ''
  return html`<div${attributes({ class: classOf(state) })}>
${around(field, state)}<label class="tick"><input${attributes({
    ...common(field, state),
    type: 'checkbox',
    value: 'on',
    checked,
  })}><span>${field.label}${star(field)}</span></label>
</div>
`
}

const firstChoiceId = (key: string): string => `${key}-1`

/** The id of the control that a link to the field leads to. */
export const controlId = (field: FormField): string =>
  field.kind === 'MULTI_SELECT' && (field.options ?? []).length > 0 ? firstChoiceId(field.key) : field.key

function renderChoices(field: FormField, state: FieldState): Html {
  const chosen = new Set(listOf(state.typed))
  // The group carries the key's id, help and error; each box has a name of its own in it.
  return html`<fieldset${attributes({
    class: classOf(state),
    id: field.key,
    'aria-describedby': describedBy(field, state),
  })}>
<legend>${field.label}${star(field)}</legend>
${around(field, state)}${(field.options ?? []).map(
  ({ value, label }, index) => html`<label class="tick"><input${attributes({
    type: 'checkbox',
    // What the summary of errors leads to: a group cannot have focus.
    id: index === 0 ? firstChoiceId(field.key) : undefined,
    name: field.key,
    value,
    checked: chosen.has(value),
    autofocus: state.focused && index === 0,
    'aria-invalid': state.wrong === undefined ? undefined : 'true',
  })}><span>${label}</span></label>
`,
)}</fieldset>
`
}
