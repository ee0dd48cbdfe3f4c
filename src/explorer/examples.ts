/** The newest things of a workspace, by their public ids; absent where there is none. */
export interface Newest {
  readonly run?: string
  readonly approval?: string
}

/** An operation to try, whose name is its title. Its variables name what is newest; null: there is nothing to try it on. */
export interface Example {
  readonly title: ExampleTitle
  readonly query: string
  readonly variables: (newest: Newest) => Readonly<Record<string, unknown>> | undefined | null
}

export type ExampleTitle =
  | 'WhoAmI'
  | 'MyTeam'
  | 'SendALead'
  | 'WatchEverything'
  | 'WatchARun'
  | 'WaitingForMe'
  | 'Decide'

/** Answered with NOT_FOUND, in words. */
const NO_APPROVAL = 'approval_none'

const none = () => undefined

/**
 * What a newcomer tries, in this order: GraphiQL's tabs, and where the start page leads to. Lines are short enough for its
 * editor on a small screen.
 */
export const examples: readonly Example[] = [
  {
    title: 'WhoAmI',
    query: `# Whose key this is, and what it may do.
# Press Play, or Ctrl-Enter.
query WhoAmI {
  viewer {
    actor { name kind }
    workspace { name timeZone currency }
    permissions
  }
}
`,
    variables: none,
  },
  {
    title: 'MyTeam',
    query: `# What each employee is doing, in words; how goals
# stand (1: reached, null: not measured); what the day cost.
query MyTeam {
  employees {
    nodes {
      name
      title
      status
      autonomy
      activity { state text since waitingFor { name } }
      goals { title attainment met status }
      spent(period: { last: "P1D" }) { text }
    }
  }
}
`,
    variables: none,
  },
  {
    title: 'SendALead',
    query: `# Sends a lead. Play twice: two leads; as
# submitForm(…) @idempotent(key: "x") { only one.
mutation SendALead(
  $email: String!, $name: String
  $company: String, $occupation: String
  $budget: Int, $message: String
) {
  submitForm(input: {
    form: { slug: "book-a-demo" }
    answers: {
      email: $email, name: $name
      company: $company, occupation: $occupation
      budget: $budget, message: $message
    }
  }) {
    __typename
    ... on SubmitFormPayload {
      submission { id status run { id } }
      cursor
    }
    ... on InvalidInputError {
      issues { field code message }
    }
    ... on UserError { code message }
  }
}
`,
    variables: () => ({
      email: 'kim.larsen@nimbus.example',
      name: 'Kim Larsen',
      company: 'Nimbus Labs',
      occupation: 'Head of Operations',
      budget: 18_000,
      message: 'We are 40 people and want this running this quarter.',
    }),
  },
  {
    title: 'WatchEverything',
    query: `# The last ten events, then each as it happens.
# Only the newest is shown: / has the list.
subscription WatchEverything {
  events(last: 10) {
    occurredAt
    actor { name kind }
    summary
    type
  }
}
`,
    variables: none,
  },
  {
    title: 'WatchARun',
    query: `# An employee at work, step by step: a run from now
# to its end. Only the newest is shown here.
subscription WatchARun($run: ID!) {
  runProgress(run: $run) {
    __typename
    ... on StepChanged {
      step { index kind status title durationMs }
    }
    ... on StepText { text }
    ... on RunChanged {
      run {
        title
        status
        reasonText
        employee { name }
        cost { text }
      }
    }
    ... on CaughtUp { cursor }
  }
}
`,
    variables: ({ run }) => (run === undefined ? null : { run }),
  },
  {
    title: 'WaitingForMe',
    query: `# What employees ask before they act: what, why,
# and what happens when nobody answers. What they tell.
query WaitingForMe {
  approvals(status: [PENDING]) {
    nodes {
      id
      title
      risk
      reason
      changes { field from to }
      expiresAt
      onExpiry
      run { employee { name } cost { text } }
    }
  }
  inboxMessages(first: 3) {
    nodes {
      subject
      blocks {
        ... on TextBlock { text }
        ... on LinkBlock { label node { id } }
      }
    }
  }
}
`,
    variables: none,
  },
  {
    title: 'Decide',
    query: `# Approves what $id names; decision: REJECT refuses.
# Deciding again is a CONFLICT, in words.
mutation Decide($id: ID!) {
  decideApproval(input: { id: $id, decision: APPROVE }) {
    __typename
    ... on DecideApprovalPayload {
      approval { title status }
      cursor
    }
    ... on ConflictError { reason message }
    ... on UserError { code message }
  }
}
`,
    variables: ({ approval }) => ({ id: approval ?? NO_APPROVAL }),
  },
]

/** Opens GraphiQL with an operation in it, ready for Play. Its tab is called what the operation is called. */
export const graphiqlLink = (query: string, variables?: object): string =>
  `/graphql?${new URLSearchParams({ query, ...(variables === undefined ? {} : { variables: JSON.stringify(variables) }) })}`

/** Where each example opens in GraphiQL; examples that have nothing to be tried on are left out. */
export function exampleLinks(newest: Newest): Map<ExampleTitle, string> {
  const links = new Map<ExampleTitle, string>()
  for (const { title, query, variables } of examples) {
    const given = variables(newest)
    if (given === null) continue
    links.set(title, graphiqlLink(query, given))
  }
  return links
}
