// Who may what: a page made of the schema, which knows what each operation needs, and of the roles, which say who holds it.

import { type GraphQLSchema, isEnumType, OperationTypeNode } from 'graphql'
import { MEMBER_ROLES, type MemberRole, ROLE_PERMISSIONS } from '../auth/roles.ts'
import { PERMISSIONS, type Permission } from '../auth/viewer.ts'
import { permissionsOfField } from '../graphql/permission-plugin.ts'
import { type Html, html } from '../lib/html.ts'
import type { Links } from './links.ts'
import { CHAPTERS, hrefOf } from './places.ts'

/** What an operation needs, and which roles hold that. */
export interface MatrixRow {
  readonly chapter: 'queries' | 'mutations' | 'subscriptions'
  readonly name: string
  /** Permissions, all of them needed; or in words, where it is none of them. */
  readonly needs: readonly Permission[] | string
  readonly roles: ReadonlySet<MemberRole>
}

/** Operations that need no permission of their own, and what they need instead. Whatever is in neither is a fault. */
const BY_THEMSELVES: Readonly<Record<string, string>> = {
  cursor: 'a credential',
  viewer: 'a credential',
  node: 'what the thing needs',
  nodes: 'what each thing needs',
}
const PUBLIC = 'nothing'
const SESSION = 'to have signed in'

const EVERYBODY: ReadonlySet<MemberRole> = new Set(MEMBER_ROLES)

/** Every operation of the schema. Throws for one of which nobody has said what it needs. */
export function permissionMatrix(schema: GraphQLSchema): MatrixRow[] {
  const roots = [
    ['queries', OperationTypeNode.QUERY],
    ['mutations', OperationTypeNode.MUTATION],
    ['subscriptions', OperationTypeNode.SUBSCRIPTION],
  ] as const
  return roots.flatMap(([chapter, kind]) =>
    Object.values(schema.getRootType(kind)?.getFields() ?? {})
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((field): MatrixRow => {
        const { name } = field
        const found = permissionsOfField(field)
        if (found.includes('public')) return { chapter, name, needs: PUBLIC, roles: EVERYBODY }
        if (found.includes('session')) return { chapter, name, needs: SESSION, roles: EVERYBODY }
        const needs = found.filter((each) => each !== 'public' && each !== 'session')
        if (needs.length > 0) return { chapter, name, needs, roles: rolesWith(needs) }
        const words = BY_THEMSELVES[name]
        if (words === undefined) throw new Error(`${chapter}/${name} does not say which permission it needs`)
        return { chapter, name, needs: words, roles: EVERYBODY }
      }),
  )
}

const rolesWith = (needs: readonly Permission[]): ReadonlySet<MemberRole> =>
  new Set(MEMBER_ROLES.filter((role) => needs.every((permission) => ROLE_PERMISSIONS[role].has(permission))))

/** The page. */
export function permissionsBody(schema: GraphQLSchema, links: Links): Html {
  const matrix = permissionMatrix(schema)
  const chapters = [...new Set(matrix.map(({ chapter }) => chapter))]
  return html`<h1>Permissions</h1>
<p class="lead">A member holds permissions by their role. A key speaks for a member: it may what stands on it and its member’s
role holds at that moment, both. Who asks for what they may not is told ${links.text('`FORBIDDEN`')}, and which permission it needs.</p>
<h2>What each role holds</h2>
${table(
  'What each role holds',
  ['Permission'],
  PERMISSIONS.map((permission) => ({
    id: permission,
    cells: [html`${permissionLink(permission)}<br>${links.text(meaningOf(schema, permission))}`],
    roles: rolesWith([permission]),
  })),
)}
<h2>What each operation needs</h2>
<p>Below an operation, whatever an answer leads to needs its own: what may not be seen is null, with an error at its place.</p>
${chapters.map(
  (chapter) => html`<h3 id="${chapter}">${CHAPTERS[chapter].title}</h3>
${table(
  CHAPTERS[chapter].title,
  ['Operation', 'Needs'],
  matrix
    .filter((row) => row.chapter === chapter)
    .map(({ name, needs, roles }) => ({
      cells: [
        html`<a href="${hrefOf({ chapter, name })}"><code>${name}</code></a>`,
        typeof needs === 'string'
          ? html`${needs}`
          : html`${needs.map((permission, index) => html`${index > 0 && ' and '}${permissionLink(permission)}`)}`,
      ],
      roles,
    })),
)}
`,
)}`
}

const permissionLink = (permission: Permission): Html =>
  html`<a href="${hrefOf({ chapter: 'enums', name: 'Permission' })}#${permission}"><code>${permission}</code></a>`

function meaningOf(schema: GraphQLSchema, permission: Permission): string {
  const type = schema.getType('Permission')
  return (isEnumType(type) && type.getValue(permission)?.description) || ''
}

interface TableRow {
  readonly id?: string
  readonly cells: readonly Html[]
  readonly roles: ReadonlySet<MemberRole>
}

/** A tick has a word beside it for who does not see it. Focusable: what is wider than a phone is scrolled by keyboard. */
function table(label: string, heads: readonly string[], rows: readonly TableRow[]): Html {
  return html`<div class="matrix" tabindex="0" role="region" aria-label="${label}">
<table>
<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}${MEMBER_ROLES.map((role) => html`<th scope="col">${role}</th>`)}</tr></thead>
<tbody>${rows.map(
    ({ id, cells, roles }) => html`
<tr${id !== undefined && html` id="${id}"`}>${cells.map((cell, index) => (index === 0 ? html`<th scope="row">${cell}</th>` : html`<td>${cell}</td>`))}${MEMBER_ROLES.map(
      (role) =>
        html`<td>${roles.has(role) ? html`✓<span class="unseen"> yes</span>` : html`<span class="unseen">no</span>`}</td>`,
    )}</tr>`,
  )}
</tbody>
</table>
</div>`
}
