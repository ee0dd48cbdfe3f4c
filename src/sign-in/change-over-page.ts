import { html } from '../platform/lib/html.ts'
import { renderForm } from './fields.ts'
import { heading, link, type Shown } from './page.ts'

export const CHANGE_OVER_PATH = '/sign-in/oidc/change-over'

export interface ChangeOver {
  /** Who is signed in. */
  readonly present: string
  /** Who came from the issuer, as it calls them. */
  readonly other: string
  readonly issuerName: string
  readonly landing: string
  /** The form token. */
  readonly token: string
}

/** Asks who is signed in whether they want to be somebody else from now on. */
export const changeOverPage = ({ present, other, issuerName, landing, token }: ChangeOver): Shown => ({
  title: 'Change over?',
  cards: [
    html`${heading('Change over?')}<p>This browser is signed in as <strong>${present}</strong>. At ${issuerName} you are <strong>${other}</strong>, which is not connected to this account.</p>${renderForm(
      {
        action: CHANGE_OVER_PATH,
        button: `Sign in as ${other}`,
        token,
      },
    )}<p>${link(landing, `Stay signed in as ${present}`)}</p><p>To sign in to this account with ${issuerName}, connect it on ${link('/account', 'your account’s page')}.</p>`,
  ],
})
