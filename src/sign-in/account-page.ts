import { DateTime } from 'luxon'
import { SIGN_IN_ANEW } from '../domains/accounts/confirmation.ts'
import type { IdentityRow } from '../domains/accounts/own-identities.ts'
import { attributes, type Html, html } from '../platform/lib/html.ts'
import { type Field, type Form, renderForm, TOKEN_FIELD } from './fields.ts'
import type { Fault, Shown } from './page.ts'
import { heading, link } from './page.ts'
import { workspaceField } from './stranger-pages.ts'

export interface SessionShown {
  readonly id: string
  readonly kind: string
  readonly userAgent: string | null
  readonly address: string | null
  readonly createdAt: Date
  readonly lastUsedAt: Date
  /** Whether it is the one that looks at the page. */
  readonly isThis: boolean
}

export interface WorkspaceShown {
  readonly id: string
  readonly name: string
  readonly role: string
  /** Whether this session is in it. */
  readonly isHere: boolean
}

export interface AccountShown {
  readonly name: string
  readonly email: string
  readonly hasPassword: boolean
  readonly sessions: readonly SessionShown[]
  readonly workspaces: readonly WorkspaceShown[]
  /** What people call the issuer where they sign in besides; undefined where there is none. */
  readonly issuerName: string | undefined
  /** The sign-ins at issuers that are connected. */
  readonly identities: readonly IdentityRow[]
  /** Whether they have signed in a moment ago: then nothing is asked to make sure of them. */
  readonly isFresh: boolean
  /** The form token. */
  readonly token: string
  /** What was done, in a sentence. */
  readonly done: string | undefined
  /** What went wrong with the form that was sent to this path. */
  readonly fault?: { readonly path: string; readonly of: Fault; readonly typed: ReadonlyMap<string, string> }
}

/** A button that does one thing with one press. */
export const pressButton = (
  action: string,
  token: string,
  button: string,
  hidden: Readonly<Record<string, string>> = {},
  label?: string,
): Html =>
  html`<form method="post"${attributes({ action })}><input type="hidden"${attributes({ name: TOKEN_FIELD, value: token })}>${Object.entries(
    hidden,
  ).map(
    ([name, value]) => html`<input type="hidden"${attributes({ name, value })}>`,
  )}<button type="submit" class="second"${attributes({
    'aria-label': label,
  })}>${button}</button></form>`

export const ACCOUNT = {
  page: '/account',
  email: '/account/email',
  password: '/account/password',
  switch: '/account/switch',
  found: '/account/workspaces',
  end: '/account/sessions/end',
  endOthers: '/account/sessions/end-others',
  connect: '/account/connect',
  disconnect: '/account/disconnect',
  erase: '/account/erase',
  signOut: '/sign-out',
} as const

/** A person's own page: who they are here, where they work, and where they are signed in. */
export function accountPage(account: AccountShown): Shown {
  const { name, email, token, done } = account
  const formOf = (action: string, more: Omit<Form, 'action' | 'token'>): Html => {
    const { fault } = account
    const wrong = fault?.path === action ? { issues: fault.of.issues, problem: fault.of.problem } : {}
    return renderForm({ action, token, ...more, ...wrong })
  }
  return {
    title: 'Your account',
    cards: [
      html`${done !== undefined && html`<div class="good" role="status"><p>${done}</p></div>`}${heading(name)}<p>${email}</p>${pressButton(
        ACCOUNT.signOut,
        token,
        'Sign out',
      )}<p>${link('/', 'To the start page')}</p>`,
      workspacesCard(account, formOf),
      sessionsCard(account),
      emailCard(account, formOf),
      passwordCard(account, formOf),
      ...(account.issuerName === undefined && account.identities.length === 0 ? [] : [identitiesCard(account, formOf)]),
      eraseCard(account, formOf),
    ],
  }
}

type FormOf = (action: string, more: Omit<Form, 'action' | 'token'>) => Html

function workspacesCard({ workspaces, token, fault }: AccountShown, formOf: FormOf): Html {
  const rows = workspaces.map(
    ({ id, name, role, isHere }) =>
      html`<li><div>${name} <small>· ${role.toLowerCase()}</small></div>${
        isHere
          ? html`<small>you are here</small>`
          : pressButton(ACCOUNT.switch, token, 'Go there', { workspace: id }, `Go there: ${name}`)
      }</li>`,
  )
  const founding = fault?.path === ACCOUNT.found
  const typed = founding ? (fault?.typed.get('workspaceName') ?? '') : ''
  return html`<h2>Workspaces</h2>${
    rows.length === 0 ? html`<p>You are in none yet.</p>` : html`<ul class="rows">${rows}</ul>`
  }<details${attributes({ open: rows.length === 0 || founding })}><summary>Found a workspace</summary>${formOf(
    ACCOUNT.found,
    {
      button: 'Found it',
      fields: [workspaceField(typed)],
      second: true,
    },
  )}</details>`
}

function sessionsCard({ sessions, token }: AccountShown): Html {
  return html`<h2>Where you are signed in</h2><ul class="rows">${sessions.map((session) => {
    const what = session.kind === 'BROWSER' ? browserOf(session.userAgent) : 'A program'
    return html`<li><div>${what}<br><small>${session.address !== null && html`${session.address} · `}since ${dayOf(
      session.createdAt,
    )}, last used ${dayOf(session.lastUsedAt)}</small></div>${
      session.isThis
        ? html`<small>this browser</small>`
        : pressButton(ACCOUNT.end, token, 'End', { session: session.id }, `End: ${what}`)
    }</li>`
  })}</ul>${sessions.length > 1 && pressButton(ACCOUNT.endOthers, token, 'End all others')}`
}

function emailCard({ hasPassword, fault }: AccountShown, formOf: FormOf): Html {
  if (!hasPassword) {
    return html`<h2>E-mail</h2><p>To change your address, set a password first: it is asked for.</p>`
  }
  const open = fault?.path === ACCOUNT.email
  return html`<h2>E-mail</h2><details${attributes({ open })}><summary>Change your address</summary>${formOf(
    ACCOUNT.email,
    {
      button: 'Send the link',
      id: 'email-',
      fields: [
        {
          name: 'email',
          label: 'New address',
          kind: 'email',
          autocomplete: 'email',
          maxLength: 320,
          help: 'A link is mailed to it. Your address stays as it is until you open that.',
          value: open ? (fault?.typed.get('email') ?? '') : '',
        },
        { name: 'currentPassword', label: 'Your password', kind: 'password', autocomplete: 'current-password' },
      ],
      second: true,
    },
  )}</details>`
}

function passwordCard({ hasPassword, email, fault }: AccountShown, formOf: FormOf): Html {
  if (!hasPassword) {
    return html`<h2>Password</h2><p>You have none here. ${link('/forgot-password', 'A mail')} lets you set one.</p>`
  }
  const field = (name: string, label: string, autocomplete: string, help?: string): Field => ({
    name,
    label,
    kind: 'password',
    autocomplete,
    ...(help === undefined ? {} : { help }),
  })
  return html`<h2>Password</h2><details${attributes({ open: fault?.path === ACCOUNT.password })}><summary>Change your password</summary>${formOf(
    ACCOUNT.password,
    {
      button: 'Change it',
      // Password stores learn by it whose password that is.
      hidden: { username: email },
      fields: [
        field('currentPassword', 'Present password', 'current-password'),
        field(
          'newPassword',
          'New password',
          'new-password',
          'At least 12 characters of any kind. All other sessions end.',
        ),
      ],
      second: true,
    },
  )}</details>`
}

/** The sign-ins at issuers that are connected to the account, and the way to connect one. */
function identitiesCard(account: AccountShown, formOf: FormOf): Html {
  const { identities, issuerName, token } = account
  const rows = identities.map(
    ({ id, issuerName: at, label, connectedAt, lastUsedAt }) =>
      html`<li><div>${at}: ${label}<br><small>connected ${dayOf(connectedAt)}${
        lastUsedAt !== null && html`, last used ${dayOf(lastUsedAt)}`
      }</small></div>${pressButton(ACCOUNT.disconnect, token, 'Disconnect', { identity: id }, `Disconnect ${at}: ${label}`)}</li>`,
  )
  const isConnected = identities.some(({ isPresent }) => isPresent)
  return html`<h2>${issuerName ?? 'Other ways to sign in'}</h2>${
    rows.length > 0 && html`<ul class="rows">${rows}</ul>`
  }${issuerName !== undefined && (isConnected ? html`<p>You can sign in with ${issuerName}.</p>` : connectForm(account, issuerName, formOf))}`
}

/** Another way in outlasts the session: it is made sure that it is its own person who opens it. */
const connectForm = (account: AccountShown, name: string, formOf: FormOf): Html =>
  html`<p>Connect it, and you can sign in with ${name} instead of a password.</p>${confirmedForm(account, formOf, {
    action: ACCOUNT.connect,
    button: `Connect ${name}`,
    field: 'password',
    isFreshEnough: account.isFresh,
  })}`

function eraseCard(account: AccountShown, formOf: FormOf): Html {
  const open = account.fault?.path === ACCOUNT.erase
  return html`<h2>Erase your account</h2><details${attributes({ open })}><summary>Erase it for good</summary><p>Your sessions,
keys, name and address are gone at once. What you did in workspaces stays, of a member without a name. You get one more mail,
with the certificate. Nothing of this can be undone.</p>${confirmedForm(account, formOf, {
    action: ACCOUNT.erase,
    button: 'Erase my account',
    field: 'currentPassword',
    isFreshEnough: account.isFresh && !account.hasPassword,
  })}</details>`
}

/** A form that asks for the password, unless its person has signed in lately enough for what it does. */
function confirmedForm(
  { hasPassword }: AccountShown,
  formOf: FormOf,
  { action, button, field, isFreshEnough }: ConfirmedForm,
): Html {
  if (isFreshEnough) return formOf(action, { button, second: true })
  if (!hasPassword) return html`<p>${SIGN_IN_ANEW}</p>`
  const fields = [{ name: field, label: 'Your password', kind: 'password', autocomplete: 'current-password' }] as const
  return formOf(action, { button, id: `${action.slice(1).replaceAll('/', '-')}-`, fields, second: true })
}

interface ConfirmedForm {
  readonly action: string
  readonly button: string
  /** The field of the password. */
  readonly field: string
  readonly isFreshEnough: boolean
}

const dayOf = (moment: Date): string =>
  DateTime.fromJSDate(moment, { zone: 'utc' }).setLocale('en').toFormat("d LLL yyyy, HH:mm 'UTC'")

const BROWSERS = [
  ['Edg/', 'Edge'],
  ['OPR/', 'Opera'],
  ['Firefox/', 'Firefox'],
  ['Chrome/', 'Chrome'],
  ['Safari/', 'Safari'],
] as const
const SYSTEMS = [
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Android', 'Android'],
  ['Windows', 'Windows'],
  ['Mac OS', 'a Mac'],
  ['Linux', 'Linux'],
] as const

/** What a browser says of itself, in words: `Firefox on Linux`. */
export function browserOf(userAgent: string | null): string {
  const known = (names: readonly (readonly [string, string])[]) =>
    names.find(([mark]) => userAgent?.includes(mark))?.[1]
  const system = known(SYSTEMS)
  return `${known(BROWSERS) ?? 'A browser'}${system === undefined ? '' : ` on ${system}`}`
}
