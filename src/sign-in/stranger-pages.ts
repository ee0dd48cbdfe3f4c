// The pages for who is not signed in. What they say of an account they say to everybody alike: nobody learns here who has
// one.

import { attributes, type Html, html } from '../platform/lib/html.ts'
import { type Field, type Form, renderForm } from './fields.ts'
import type { Showing } from './form-door.ts'
import { heading, link, type Shown } from './page.ts'

/** What is known of an invite to who has its link. */
export interface Invited {
  readonly token: string
  readonly email: string
  readonly workspaceName: string
}

/** What pages for strangers have in common. */
export interface Door {
  /** The form token. */
  readonly token: string
  readonly showing: Showing
  /** What people call the issuer they may sign in at as well. */
  readonly issuerName: string | undefined
  readonly invited: Invited | undefined
  /** Where to go on to. */
  readonly next: string | undefined
}

const typedIn = ({ typed }: Showing, name: string): string => typed.get(name) ?? ''

const faultOf = ({ fault }: Showing): Pick<Form, 'issues' | 'problem'> =>
  fault === undefined ? {} : { issues: fault.issues, problem: fault.problem }

const withQuery = (path: string, values: Readonly<Record<string, string | undefined>>): string => {
  const query = new URLSearchParams(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
  return query.size === 0 ? path : `${path}?${query}`
}

/** Where the same visitor may go on to, with what brought them. */
const ways = ({ invited, next }: Door) => {
  const kept = { invite: invited?.token, next }
  return {
    signIn: withQuery('/sign-in', kept),
    signUp: withQuery('/sign-up', kept),
    issuer: withQuery('/sign-in/oidc', kept),
  }
}

const emailField = (value: string, more: Partial<Field> = {}): Field => ({
  name: 'email',
  label: 'E-mail',
  kind: 'email',
  autocomplete: 'username',
  maxLength: 320,
  value,
  ...more,
})

const newPasswordField = (label = 'Password'): Field => ({
  name: 'password',
  label,
  kind: 'password',
  autocomplete: 'new-password',
  help: 'At least 12 characters of any kind: some words that only you would put together are a good one.',
})

const orIssuer = (door: Door): Html =>
  door.issuerName === undefined
    ? html``
    : html`<p class="or">or</p><p><a class="button"${attributes({ href: ways(door).issuer })}>Continue with ${door.issuerName}</a></p>`

const invitedTo = ({ invited }: Door): Html =>
  invited === undefined ? html`` : html`<p>You are invited to <strong>${invited.workspaceName}</strong>.</p>`

const good = (text: string): Html => html`<div class="good" role="status"><p>${text}</p></div>`

export function signInPage(door: Door, options: { readonly signUp: boolean; readonly done?: string }): Shown {
  const { showing, token, invited, next } = door
  return {
    title: 'Sign in',
    cards: [
      html`${heading('Sign in')}${options.done !== undefined && good(options.done)}${invitedTo(door)}${renderForm({
        action: '/sign-in',
        button: 'Sign in',
        token,
        hidden: { next, invite: invited?.token },
        fields: [
          emailField(typedIn(showing, 'email') || (invited?.email ?? '')),
          { name: 'password', label: 'Password', kind: 'password', autocomplete: 'current-password' },
        ],
        ...faultOf(showing),
      })}<p>${link('/forgot-password', 'Forgot your password?')}</p>${orIssuer(door)}`,
      ...(options.signUp || invited !== undefined
        ? [html`<p>New here? <a${attributes({ href: ways(door).signUp })}>Sign up</a></p>`]
        : []),
    ],
  }
}

/** `setup` is the token of the link that makes the first person. */
export function signUpPage(door: Door, setup: string | undefined): Shown {
  const { showing, token, invited, next } = door
  const founds = invited === undefined
  return {
    title: 'Sign up',
    cards: [
      html`${heading('Sign up')}${invitedTo(door)}${renderForm({
        action: '/sign-up',
        button: 'Sign up',
        token,
        hidden: { next, invite: invited?.token ?? setup },
        fields: [
          {
            name: 'name',
            label: 'Your name',
            kind: 'text',
            autocomplete: 'name',
            maxLength: 255,
            value: typedIn(showing, 'name'),
          },
          emailField(invited?.email ?? typedIn(showing, 'email'), { fixed: !founds }),
          newPasswordField(),
          ...(founds ? [workspaceField(typedIn(showing, 'workspaceName'))] : []),
        ],
        ...faultOf(showing),
      })}${orIssuer(door)}`,
      html`<p>You have an account? <a${attributes({ href: ways(door).signIn })}>Sign in</a></p>`,
    ],
  }
}

export const workspaceField = (value: string): Field => ({
  name: 'workspaceName',
  label: 'Name of your workspace',
  kind: 'text',
  autocomplete: 'organization',
  maxLength: 255,
  help: 'Where your employees work: your company or team. You can invite people to it.',
  value,
})

/** Where only who was invited makes an account. */
export const invitedOnlyPage = (door: Door, isUnclaimed: boolean): Shown => ({
  title: 'Sign up',
  cards: [
    html`${heading('By invitation')}<p>${
      isUnclaimed
        ? 'Nobody has an account on this server yet. The first person signs up with the link in its log.'
        : 'People are invited to this server. Open the link in the mail that you were sent, or ask an owner of the workspace for one.'
    }</p>
<p>${link('/sign-in', 'Sign in')}</p>${orIssuer(door)}`,
  ],
})

export function forgotPage({ showing, token }: Door, sent: boolean): Shown {
  if (sent) {
    return {
      title: 'Look into your mail',
      cards: [
        html`${heading('Look into your mail')}<p>If there is an account with this address, a mail is on its way to it. Its link sets a new password, and is good for an hour.</p>
<p>${link('/sign-in', 'Back to signing in')}</p>`,
      ],
    }
  }
  return {
    title: 'Forgot your password',
    cards: [
      html`${heading('Forgot your password?')}<p>You are sent a link that sets a new one.</p>${renderForm({
        action: '/forgot-password',
        button: 'Send the link',
        token,
        fields: [emailField(typedIn(showing, 'email'))],
        ...faultOf(showing),
      })}<p>${link('/sign-in', 'Back to signing in')}</p>`,
    ],
  }
}

export const resetPage = ({ showing, token }: Door, reset: string): Shown => ({
  title: 'A new password',
  cards: [
    html`${heading('A new password')}<p>Whoever is signed in to your account is signed out with it, you too.</p>${renderForm(
      {
        action: '/reset-password',
        button: 'Set the password',
        token,
        hidden: { token: reset },
        fields: [newPasswordField('New password')],
        ...faultOf(showing),
      },
    )}<p>${link('/forgot-password', 'Send me another link')}</p>`,
  ],
})

export const confirmEmailPage = ({ showing, token }: Door, link: string): Shown => ({
  title: 'Your new address',
  cards: [
    html`${heading('Your new address')}<p>You sign in with it from now on, and no more with the one before. Wherever else you are signed in, you are signed out.</p>${renderForm(
      {
        action: '/confirm-email',
        button: 'Make it mine',
        token,
        hidden: { token: link },
        ...faultOf(showing),
      },
    )}`,
  ],
})
