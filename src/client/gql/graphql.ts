/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** What an employee is about. */
export type EmployeeState =
  /** Could not do the last thing it was given. */
  | 'FAILED'
  /** Has nothing to do. */
  | 'IDLE'
  /** Was told to stop. */
  | 'PAUSED'
  /** Gets no further: no step finished for as long as the workspace’s `stuckAfter`, or what it waits for is overdue. */
  | 'STUCK'
  /** Waits for somebody or something. */
  | 'WAITING'
  /** Works, or is about to. */
  | 'WORKING';

/** What happened. Names are past tense; new ones may be added. */
export type EventType =
  /** A key was made. */
  | 'API_KEY_CREATED'
  /** A key was revoked: it works no more. */
  | 'API_KEY_REVOKED'
  /** A key was given a new secret. */
  | 'API_KEY_ROTATED'
  /** A key’s name or the end of its time was changed. */
  | 'API_KEY_UPDATED'
  /** Somebody allowed an act, perhaps with other arguments. */
  | 'APPROVAL_APPROVED'
  /** The approved act was done. */
  | 'APPROVAL_EXECUTED'
  /** Nobody decided in time, or the run ended first; the act is not done. */
  | 'APPROVAL_EXPIRED'
  /** The approved act was tried and failed, or nobody knows whether it happened. */
  | 'APPROVAL_FAILED'
  /** Somebody said no; the employee reads the reason and goes on without the act. */
  | 'APPROVAL_REJECTED'
  /** An employee asks whether it may act; its run waits. */
  | 'APPROVAL_REQUESTED'
  /** What the approver was shown has changed since; the act is not done. */
  | 'APPROVAL_STALE'
  /** A workspace's budget for a day or a month was used up; runs that need a model wait. Once a day and a month at most. */
  | 'BUDGET_EXHAUSTED'
  /** What was spent has come to a line of the setting `budgetAlerts`, of a day or of a month. */
  | 'BUDGET_THRESHOLD_REACHED'
  /** A person became known. */
  | 'CONTACT_CREATED'
  /** The last of what was known of a person has been removed; the certificate says how much it was. */
  | 'CONTACT_ERASED'
  /** Somebody had a person erased: their record is empty from here on, what came of it follows. */
  | 'CONTACT_ERASURE_REQUESTED'
  /** What is known of a person was changed or completed. */
  | 'CONTACT_UPDATED'
  /** A deal was opened. */
  | 'DEAL_CREATED'
  /** The customer said no. */
  | 'DEAL_LOST'
  /** A deal that was won or lost is open again. */
  | 'DEAL_REOPENED'
  /** A deal came to another stage. */
  | 'DEAL_STAGE_CHANGED'
  /** What is known of a deal was changed. */
  | 'DEAL_UPDATED'
  /** The customer said yes. */
  | 'DEAL_WON'
  /** An act outside the house went through. */
  | 'EFFECT_CONFIRMED'
  /** An act outside the house did not happen. */
  | 'EFFECT_FAILED'
  /** A process stopped between sending and confirming: nobody knows whether the act happened. Not repeated. */
  | 'EFFECT_UNKNOWN'
  /** An employee joined. */
  | 'EMPLOYEE_CREATED'
  /** An employee left for good. */
  | 'EMPLOYEE_OFFBOARDED'
  /** An employee takes no work until it is resumed. */
  | 'EMPLOYEE_PAUSED'
  /** An employee works again. */
  | 'EMPLOYEE_RESUMED'
  /** An employee's definition was changed: it has a new version. */
  | 'EMPLOYEE_UPDATED'
  /** A form takes no more submissions, for good. */
  | 'FORM_ARCHIVED'
  /** A form was made, as a draft. */
  | 'FORM_CREATED'
  /** A form takes no submissions for the time being. */
  | 'FORM_PAUSED'
  /** The draft of a form became its newest version; a form that was a draft takes submissions from now on. */
  | 'FORM_PUBLISHED'
  /** A form takes submissions again. */
  | 'FORM_RESUMED'
  /** The draft or the settings of a form were changed. */
  | 'FORM_UPDATED'
  /** A goal was given up. */
  | 'GOAL_ABANDONED'
  /** A goal was reached. */
  | 'GOAL_ACHIEVED'
  /** A goal cannot be worked on at the moment. */
  | 'GOAL_BLOCKED'
  /** An employee was given a goal. */
  | 'GOAL_CREATED'
  /** A goal was not reached. */
  | 'GOAL_MISSED'
  /** A goal was measured. */
  | 'GOAL_PROGRESSED'
  /** A goal was changed, or can be worked on again. */
  | 'GOAL_UPDATED'
  /** Somebody read a message of the inbox first. */
  | 'INBOX_MESSAGE_READ'
  /** An employee wrote to the inbox. */
  | 'INBOX_MESSAGE_SENT'
  /** Somebody was invited into the workspace, or once more. */
  | 'INVITE_CREATED'
  /** An invite was taken back. */
  | 'INVITE_REVOKED'
  /** The workspace’s mail leaves through a mail server of its own from now on. Its password is told nowhere. */
  | 'MAIL_SERVER_CONNECTED'
  /** The workspace has no mail server of its own any more; its password was removed. */
  | 'MAIL_SERVER_DISCONNECTED'
  /** The last of who a member was has been removed; the certificate says how much it was. */
  | 'MEMBER_ERASED'
  /** A person had their account erased: who they were as a member is not known from here on. */
  | 'MEMBER_ERASURE_REQUESTED'
  /** Somebody signed in as a member for the first time: they founded the workspace or were invited. */
  | 'MEMBER_JOINED'
  /** A member left the workspace, and with them all their keys. */
  | 'MEMBER_LEFT'
  /** A member was removed from the workspace, with all their keys. */
  | 'MEMBER_REMOVED'
  /** Whoever runs the server restored the account of a member: they and their keys do again what they did. */
  | 'MEMBER_RESTORED'
  /** Whoever runs the server suspended the account of a member: they and their keys do nothing here. */
  | 'MEMBER_SUSPENDED'
  /** A member’s name, address or role was changed. */
  | 'MEMBER_UPDATED'
  /** Somebody wants a run that is being worked to stop; it ends with its next step. */
  | 'RUN_CANCEL_REQUESTED'
  /** A run ended, one way or the other; its status and reason say how. */
  | 'RUN_FINISHED'
  /** An employee was given something to do. */
  | 'RUN_QUEUED'
  /** A run goes on: what it waited for has happened, or another process has taken it over. */
  | 'RUN_RESUMED'
  /** An employee began to work on a run. */
  | 'RUN_STARTED'
  /** A run cannot go on before something happens: a decision, a person, a time, or more budget. */
  | 'RUN_WAITING'
  /** A run got one step further: a model turn, a tool call or a note was recorded or changed its status. */
  | 'STEP_FINISHED'
  /** A call of a live model began; its text streams over `runProgress`. */
  | 'STEP_STARTED'
  /** The work on a submission failed. */
  | 'SUBMISSION_FAILED'
  /** A submission was tied to the contact who sent it, known before or new. */
  | 'SUBMISSION_MATCHED'
  /** The work on a submission stopped short of an end; a person has to look. */
  | 'SUBMISSION_NEEDS_REVIEW'
  /** A submission was worked to the end. */
  | 'SUBMISSION_PROCESSED'
  /** A submission was judged by its form's criteria, to be worth going on with or not. */
  | 'SUBMISSION_QUALIFIED'
  /** Somebody sent a form. */
  | 'SUBMISSION_RECEIVED'
  /** A form turned away what was sent to it; nothing but the reason was kept. */
  | 'SUBMISSION_REJECTED'
  /** A submission was given to an employee. */
  | 'SUBMISSION_ROUTED'
  /** Settings of the workspace were changed; `changes` says which, and how they were before. */
  | 'WORKSPACE_SETTINGS_CHANGED'
  /** The workspace’s name, time zone, currency or daily budget was changed. */
  | 'WORKSPACE_UPDATED';

/** Whether a form takes submissions. */
export type FormStatus =
  /** Takes submissions. */
  | 'ACTIVE'
  /** Takes none any more. */
  | 'ARCHIVED'
  /** Being made; nobody outside sees it. */
  | 'DRAFT'
  /** Takes none for the time being. */
  | 'PAUSED';

/** Where a run stands. The last four are final. */
export type RunStatus =
  /** Somebody stopped it. */
  | 'CANCELLED'
  /** Its deadline passed. */
  | 'EXPIRED'
  /** It could not be finished: see `reason`. */
  | 'FAILED'
  /** It is its turn as soon as a worker is free. */
  | 'QUEUED'
  /** It is being worked on. */
  | 'RUNNING'
  /** The employee came to the end of it. */
  | 'SUCCEEDED'
  /** It cannot go on before something happens: see `waitingKind`. */
  | 'WAITING';

export type DemoStorySubscriptionVariables = Exact<{
  after?: string | null | undefined;
}>;


export type DemoStorySubscription = { events: { id: string, type: EventType, occurredAt: string, summary: string, actor: { name: string } } };

export type DemoEverythingSubscriptionVariables = Exact<{
  after?: string | null | undefined;
}>;


export type DemoEverythingSubscription = { events: { id: string, type: EventType } };

export type DemoLogQueryVariables = Exact<{
  from: string;
  after?: string | null | undefined;
}>;


export type DemoLogQuery = { events: { nodes: Array<{ id: string }>, pageInfo: { endCursor: string | null, hasNextPage: boolean } } };

export type DemoTeamQueryVariables = Exact<{ [key: string]: never; }>;


export type DemoTeamQuery = { employees: { nodes: Array<{ name: string, title: string, activity: { state: EmployeeState, text: string } }> } };

export type DemoInFlightQueryVariables = Exact<{ [key: string]: never; }>;


export type DemoInFlightQuery = { runs: { totalCount: number } };

export type DemoDealsQueryVariables = Exact<{ [key: string]: never; }>;


export type DemoDealsQuery = { deals: { totalCount: number } };

export type DemoEndsSubscriptionVariables = Exact<{
  after?: string | null | undefined;
}>;


export type DemoEndsSubscription = { events: { id: string, type: EventType } };

export type DemoStartQueryVariables = Exact<{ [key: string]: never; }>;


export type DemoStartQuery = { cursor: string, viewer: { workspace: { name: string } | null } };

export type DemoOutcomesQueryVariables = Exact<{
  ids: Array<string> | string;
}>;


export type DemoOutcomesQuery = { submissions: { nodes: Array<{ id: string, receivedAt: string, contact: { id: string, createdAt: string } | null, deal: { id: string } | null, runs: Array<{ id: string, status: RunStatus, rehearsal: boolean, model: string | null, waitingFor: { name: string } | null, cost: { micros: string }, tokens: { input: number, output: number, cacheRead: number, cacheWrite: number } }> }> } };

export type StartPageQueryVariables = Exact<{ [key: string]: never; }>;


export type StartPageQuery = { viewer: { workspace: { name: string, timeZone: string } | null }, employees: { nodes: Array<{ name: string, title: string, activity: { state: EmployeeState, text: string, since: string } }> }, approvals: { totalCount: number, nodes: Array<{ id: string, title: string, reason: string, changes: Array<{ field: string, to: string | null }>, employee: { name: string } | null }> }, forms: { nodes: Array<{ path: string, status: FormStatus }> }, runs: { nodes: Array<{ id: string }> }, events: { nodes: Array<{ occurredAt: string, summary: string }> } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}

export const DemoStoryDocument = new TypedDocumentString(`
    subscription DemoStory($after: Cursor) {
  events(
    after: $after
    filter: {types: [SUBMISSION_RECEIVED, SUBMISSION_QUALIFIED, DEAL_CREATED, APPROVAL_REQUESTED, EFFECT_CONFIRMED, RUN_WAITING, RUN_FINISHED]}
  ) {
    id
    type
    occurredAt
    summary
    actor {
      name
    }
  }
}
    `, {"hash":"sha256:fb600609333826a14b8f3d30fcafaa068d9e18d21caefe658336a193711ac969"}) as unknown as TypedDocumentString<DemoStorySubscription, DemoStorySubscriptionVariables>;
export const DemoEverythingDocument = new TypedDocumentString(`
    subscription DemoEverything($after: Cursor) {
  events(after: $after) {
    id
    type
  }
}
    `, {"hash":"sha256:6ca08cbd7e756b3df9556bcc351ded16bd4aa66cef3f0e95c385fc8964626556"}) as unknown as TypedDocumentString<DemoEverythingSubscription, DemoEverythingSubscriptionVariables>;
export const DemoLogDocument = new TypedDocumentString(`
    query DemoLog($from: Cursor!, $after: String) {
  events(first: 100, from: $from, after: $after) {
    nodes {
      id
    }
    pageInfo {
      endCursor
      hasNextPage
    }
  }
}
    `, {"hash":"sha256:5fd1b360f2d8f74749be4f0e1bb6cc8f7f047935a37d5e47f8fa51de5d56bf6c"}) as unknown as TypedDocumentString<DemoLogQuery, DemoLogQueryVariables>;
export const DemoTeamDocument = new TypedDocumentString(`
    query DemoTeam {
  employees(first: 10) {
    nodes {
      name
      title
      activity {
        state
        text
      }
    }
  }
}
    `, {"hash":"sha256:56e65dcddca077ede49d2770ea55e74660ba3a881ec13a05c04e458f40dba42b"}) as unknown as TypedDocumentString<DemoTeamQuery, DemoTeamQueryVariables>;
export const DemoInFlightDocument = new TypedDocumentString(`
    query DemoInFlight {
  runs(first: 1, filter: {status: {eq: RUNNING}}) {
    totalCount
  }
}
    `, {"hash":"sha256:a809987657c2ff560893c7d0798c3566fa6047d68c997f287423d61f88b890e0"}) as unknown as TypedDocumentString<DemoInFlightQuery, DemoInFlightQueryVariables>;
export const DemoDealsDocument = new TypedDocumentString(`
    query DemoDeals {
  deals(first: 1) {
    totalCount
  }
}
    `, {"hash":"sha256:b342c5ccc5870547183b9dab817c066825384faac3c74345fa61d3ca1304b114"}) as unknown as TypedDocumentString<DemoDealsQuery, DemoDealsQueryVariables>;
export const DemoEndsDocument = new TypedDocumentString(`
    subscription DemoEnds($after: Cursor) {
  events(after: $after, filter: {types: [RUN_WAITING, RUN_FINISHED]}) {
    id
    type
  }
}
    `, {"hash":"sha256:d969073d4c63786daff9e38fc4e989d271980e638f3738896d812dc229139376"}) as unknown as TypedDocumentString<DemoEndsSubscription, DemoEndsSubscriptionVariables>;
export const DemoStartDocument = new TypedDocumentString(`
    query DemoStart {
  cursor
  viewer {
    workspace {
      name
    }
  }
}
    `, {"hash":"sha256:79f1c7684caddf48148546e0ba751236586e2f8054ce3cc36a7cae3b89541f48"}) as unknown as TypedDocumentString<DemoStartQuery, DemoStartQueryVariables>;
export const DemoOutcomesDocument = new TypedDocumentString(`
    query DemoOutcomes($ids: [ID!]!) {
  submissions(first: 50, filter: {id: {in: $ids}}) {
    nodes {
      id
      receivedAt
      contact {
        id
        createdAt
      }
      deal {
        id
      }
      runs {
        id
        status
        waitingFor {
          name
        }
        rehearsal
        model
        cost {
          micros
        }
        tokens {
          input
          output
          cacheRead
          cacheWrite
        }
      }
    }
  }
}
    `, {"hash":"sha256:c9ef660bea060db5abcec17594e789e2c51e8351a222c94381d5879ac5efb1d1"}) as unknown as TypedDocumentString<DemoOutcomesQuery, DemoOutcomesQueryVariables>;
export const StartPageDocument = new TypedDocumentString(`
    query StartPage {
  viewer {
    workspace {
      name
      timeZone
    }
  }
  employees(
    first: 10
    filter: {status: {in: [ACTIVE, PAUSED]}}
    orderBy: [{field: NAME, direction: ASC}]
  ) {
    nodes {
      name
      title
      activity {
        state
        text
        since
      }
    }
  }
  approvals(first: 10, status: [PENDING]) {
    totalCount
    nodes {
      id
      title
      reason
      changes {
        field
        to
      }
      employee {
        name
      }
    }
  }
  forms(first: 10) {
    nodes {
      path
      status
    }
  }
  runs(first: 1) {
    nodes {
      id
    }
  }
  events(
    last: 10
    filter: {types: [SUBMISSION_RECEIVED, SUBMISSION_REJECTED, SUBMISSION_QUALIFIED, SUBMISSION_NEEDS_REVIEW, SUBMISSION_FAILED, DEAL_CREATED, DEAL_STAGE_CHANGED, DEAL_WON, DEAL_LOST, APPROVAL_REQUESTED, APPROVAL_APPROVED, APPROVAL_REJECTED, APPROVAL_EXECUTED, APPROVAL_EXPIRED, INBOX_MESSAGE_SENT, BUDGET_EXHAUSTED]}
  ) {
    nodes {
      occurredAt
      summary
    }
  }
}
    `, {"hash":"sha256:b8f360358bdd89e86b1fb41f677f752454938f16a62f25c5a06d49ecd685f0cd"}) as unknown as TypedDocumentString<StartPageQuery, StartPageQueryVariables>;