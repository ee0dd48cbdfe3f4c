import {
  astFromValue,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isScalarType,
  isUnionType,
  print,
} from 'graphql'
import { type Html, html } from '../lib/html.ts'
import { exampleOperation } from './example-operation.ts'
import type { Links } from './links.ts'
import { CHAPTERS, type ChapterKey, descriptionOf, type Entry, hrefOf } from './places.ts'
import type { Uses } from './uses.ts'

export interface Means {
  readonly schema: GraphQLSchema
  readonly links: Links
  readonly uses: Uses
}

/** The list of a chapter. */
export function chapterBody(key: ChapterKey, entries: readonly Entry[], { links }: Means): Html {
  const { title, intro } = CHAPTERS[key]
  return html`<h1>${title}</h1>
<p class="lead">${links.text(intro)}</p>
<dl class="list">${entries.map(
    (entry) => html`
<dt><a href="${hrefOf(entry)}"><code>${entry.name}</code></a></dt>
<dd>${links.text(descriptionOf(entry))}</dd>`,
  )}
</dl>`
}

/** The page of a root field, a type or a directive. */
export function entryBody(entry: Entry, means: Means): Html {
  const { links } = means
  const { one } = CHAPTERS[entry.chapter]
  return html`<p class="kind">${one}</p>
<h1><code>${'directive' in entry && '@'}${entry.name}</code></h1>
<p class="lead">${links.text(descriptionOf(entry))}</p>
${'field' in entry ? operationParts(entry, means) : 'type' in entry ? typeParts(entry.type, means) : directiveParts(entry, means)}`
}

function operationParts(entry: Extract<Entry, { field: unknown }>, { schema, links }: Means): Html {
  const { field, kind } = entry
  const example = exampleOperation(schema, kind, field)
  const hasVariables = Object.keys(example.variables).length > 0
  return html`${deprecation(field, links)}
<h2>Answer</h2>
<p><code class="type">${links.type(field.type)}</code></p>
${argumentList('Arguments', field.args, links)}
<h2>Example</h2>
${codeBlock(example.text)}
${hasVariables && html`<p>Its variables:</p>${codeBlock(JSON.stringify(example.variables, null, 2))}`}`
}

const directiveParts = (entry: Extract<Entry, { directive: unknown }>, { links }: Means): Html =>
  argumentList('Arguments', entry.directive.args, links)

function typeParts(type: GraphQLNamedType, means: Means): Html {
  const { links, schema } = means
  return html`${isObjectType(type) && listOfTypes('Implements', type.getInterfaces(), links)}
${isInterfaceType(type) && listOfTypes('Implemented by', schema.getPossibleTypes(type), links)}
${isUnionType(type) && listOfTypes('One of', type.getTypes(), links)}
${isScalarType(type) && type.specifiedByURL != null && html`<p>Specified by <a href="${type.specifiedByURL}">${type.specifiedByURL}</a>.</p>`}
${(isObjectType(type) || isInterfaceType(type)) && html`<h2>Fields</h2>${Object.values(type.getFields()).map((field) => fieldSection(field, links))}`}
${isInputObjectType(type) && inputFields(type, links)}
${isEnumType(type) && html`<h2>Values</h2>${type.getValues().map((value) => section(value.name, undefined, value, links))}`}
${usedBy(type, means)}`
}

function inputFields(type: GraphQLNamedType & { isOneOf: boolean; getFields(): object }, links: Links): Html {
  const fields = Object.values(type.getFields() as Record<string, GraphQLInputField>)
  return html`${type.isOneOf && html`<p>Exactly one of these is given.</p>`}
<h2>Fields</h2>
${fields.map((field) => section(field.name, valueType(field, isRequiredInputField(field), links), field, links))}`
}

function fieldSection(field: GraphQLField<unknown, unknown>, links: Links): Html {
  const type = html`<code class="type">${links.type(field.type)}</code>`
  const { args } = field
  return section(
    field.name,
    type,
    field,
    links,
    args.length > 0 && html`<dl class="args">${args.map((arg) => argument(arg, links))}</dl>`,
  )
}

interface Described {
  readonly description?: string | null | undefined
  readonly deprecationReason?: string | null | undefined
}

/** A part of a type, with an address of its own. */
const section = (
  name: string,
  type: Html | undefined,
  described: Described,
  links: Links,
  more: Html | false = false,
): Html =>
  html`<section id="${name}" class="part">
<h3><a class="anchor" href="#${name}"><code>${name}</code></a>${type !== undefined && html` ${type}`}</h3>
<p>${links.text(described.description ?? '')}</p>${deprecation(described, links)}${more}
</section>
`

const deprecation = ({ deprecationReason }: Described, links: Links): Html | false =>
  deprecationReason != null &&
  html`<p class="deprecated"><strong>Deprecated.</strong> ${links.text(deprecationReason)}</p>`

const argumentList = (title: string, args: readonly GraphQLArgument[], links: Links): Html =>
  args.length === 0
    ? html``
    : html`<h2>${title}</h2>
<dl class="args">${args.map((arg) => argument(arg, links))}</dl>`

const argument = (arg: GraphQLArgument, links: Links): Html => html`
<dt><code>${arg.name}</code> ${valueType(arg, isRequiredArgument(arg), links)}</dt>
<dd>${links.text(arg.description ?? '')}${deprecation(arg, links)}</dd>`

function valueType(given: GraphQLArgument | GraphQLInputField, required: boolean, links: Links): Html {
  const { type, defaultValue } = given
  const ast = defaultValue === undefined ? null : astFromValue(defaultValue, type)
  return html`<code class="type">${links.type(type)}${ast != null && html` = ${print(ast)}`}</code>${required && html` <span class="required">required</span>`}`
}

const listOfTypes = (title: string, types: readonly GraphQLNamedType[], links: Links): Html =>
  types.length === 0
    ? html``
    : html`<h2>${title}</h2>
<ul class="names">${types.map(({ name }) => html`<li><code>${links.name(name)}</code></li>`)}</ul>`

function usedBy(type: GraphQLNamedType, { uses }: Means): Html {
  const places = uses.get(type.name) ?? []
  if (places.length === 0) return html``
  return html`<h2>Where it stands</h2>
<ul class="names">${places.map(({ label, href }) => html`<li><a href="${href}"><code>${label}</code></a></li>`)}</ul>`
}

/** Focusable: what is wider than a phone is scrolled by keyboard, too. */
const codeBlock = (text: string): Html =>
  html`<pre tabindex="0"><code>${text}</code></pre>
`
