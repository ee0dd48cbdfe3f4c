import { attributes, type Html, html } from '../platform/lib/html.ts'
import { ACCOUNT } from './account-page.ts'
import { TOKEN_FIELD } from './fields.ts'

export interface BarOptions {
  readonly name: string
  /** The form token. */
  readonly token: string
  /** Those of the account, by their public id. */
  readonly workspaces: readonly { readonly id: string; readonly name: string; readonly isHere: boolean }[]
}

/** Who is signed in, for pages of the house: a way to their other workspaces, their account, and out. */
export function renderBar({ name, token, workspaces }: BarOptions): Html {
  const proof = html`<input type="hidden"${attributes({ name: TOKEN_FIELD, value: token })}>`
  const elsewhere = workspaces.some(({ isHere }) => !isHere)
  return html`<div class="who"><span>Signed in as <a href="${ACCOUNT.page}">${name}</a></span>${
    elsewhere &&
    html`<form method="post" action="${ACCOUNT.switch}">${proof}<select name="workspace" aria-label="Workspace">${workspaces.map(
      (each) => html`<option${attributes({ value: each.id, selected: each.isHere })}>${each.name}</option>`,
    )}</select><button type="submit">Go there</button></form>`
  }<form method="post" action="${ACCOUNT.signOut}">${proof}<button type="submit">Sign out</button></form></div>`
}
