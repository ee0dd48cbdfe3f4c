import { attributes, html } from '../platform/lib/html.ts'
import { renderForm } from './fields.ts'
import { heading, link, message, type Shown } from './page.ts'
import type { Invited } from './stranger-pages.ts'
import type { Visit } from './visit.ts'

/** What an invite's link leads to: joining with one press for who is signed in, and two ways for who is not. */
export function invitePage(invited: Invited, visit: Pick<Visit, 'token' | 'person'>, email: string | undefined): Shown {
  const { token: invite, workspaceName } = invited
  const title = `Join ${workspaceName}`
  const way = (path: string) => `${path}?${new URLSearchParams({ invite })}`
  if (visit.person === undefined) {
    return {
      title,
      cards: [
        html`${heading(title)}<p>You are invited as ${invited.email}.</p>
<p><a class="button"${attributes({ href: way('/sign-up') })}>I am new here: sign up</a></p>
<p><a class="button"${attributes({ href: way('/sign-in') })}>I have an account: sign in</a></p>`,
      ],
    }
  }
  return {
    title,
    cards: [
      html`${heading(title)}<p>You are invited as ${invited.email}, and signed in as ${email ?? visit.person.name}.</p>${renderForm(
        {
          action: '/invite',
          button: 'Join',
          token: visit.token,
          hidden: { invite },
        },
      )}<p>${link('/account', 'Not now')}</p>`,
    ],
  }
}

export const overInvitePage: Shown = {
  ...message(
    'This invite is over',
    'It was used, taken back or is older than seven days. Ask who invited you for another one.',
    {
      href: '/sign-in',
      text: 'Sign in',
    },
  ),
  status: 404,
}
