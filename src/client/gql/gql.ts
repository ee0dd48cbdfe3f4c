/* eslint-disable */
import * as types from './graphql.ts';



/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  subscription DemoStory($after: Cursor) {\n    events(\n      after: $after\n      filter: {\n        types: [\n          SUBMISSION_RECEIVED\n          SUBMISSION_QUALIFIED\n          DEAL_CREATED\n          APPROVAL_REQUESTED\n          EFFECT_CONFIRMED\n          RUN_WAITING\n          RUN_FINISHED\n        ]\n      }\n    ) {\n      id\n      type\n      occurredAt\n      summary\n      actor {\n        name\n      }\n    }\n  }\n": typeof types.DemoStoryDocument,
    "\n  subscription DemoEverything($after: Cursor) {\n    events(after: $after) {\n      id\n      type\n    }\n  }\n": typeof types.DemoEverythingDocument,
    "\n  query DemoLog($from: Cursor!, $after: String) {\n    events(first: 100, from: $from, after: $after) {\n      nodes {\n        id\n      }\n      pageInfo {\n        endCursor\n        hasNextPage\n      }\n    }\n  }\n": typeof types.DemoLogDocument,
    "\n  query DemoTeam {\n    employees(first: 10) {\n      nodes {\n        name\n        title\n        activity {\n          state\n          text\n        }\n      }\n    }\n  }\n": typeof types.DemoTeamDocument,
    "\n  query DemoInFlight {\n    runs(first: 1, filter: { status: { eq: RUNNING } }) {\n      totalCount\n    }\n  }\n": typeof types.DemoInFlightDocument,
    "\n  query DemoDeals {\n    deals(first: 1) {\n      totalCount\n    }\n  }\n": typeof types.DemoDealsDocument,
    "\n  subscription DemoEnds($after: Cursor) {\n    events(after: $after, filter: { types: [RUN_WAITING, RUN_FINISHED] }) {\n      id\n      type\n    }\n  }\n": typeof types.DemoEndsDocument,
    "\n  query DemoStart {\n    cursor\n    viewer {\n      workspace {\n        name\n      }\n    }\n  }\n": typeof types.DemoStartDocument,
    "\n  query DemoOutcomes($ids: [ID!]!) {\n    submissions(first: 50, filter: { id: { in: $ids } }) {\n      nodes {\n        id\n        receivedAt\n        contact {\n          id\n          createdAt\n        }\n        deal {\n          id\n        }\n        runs {\n          id\n          status\n          waitingFor {\n            name\n          }\n          rehearsal\n          model\n          cost {\n            micros\n          }\n          tokens {\n            input\n            output\n            cacheRead\n            cacheWrite\n          }\n        }\n      }\n    }\n  }\n": typeof types.DemoOutcomesDocument,
    "\n  query StartPage {\n    viewer {\n      workspace {\n        name\n        timeZone\n      }\n    }\n    employees(first: 10, filter: { status: { in: [ACTIVE, PAUSED] } }, orderBy: [{ field: NAME, direction: ASC }]) {\n      nodes {\n        name\n        title\n        activity {\n          state\n          text\n          since\n        }\n      }\n    }\n    approvals(first: 10, status: [PENDING]) {\n      totalCount\n      nodes {\n        id\n        title\n        reason\n        changes {\n          field\n          to\n        }\n        employee {\n          name\n        }\n      }\n    }\n    forms(first: 10) {\n      nodes {\n        path\n        status\n      }\n    }\n    runs(first: 1) {\n      nodes {\n        id\n      }\n    }\n    events(\n      last: 10\n      filter: {\n        types: [\n          SUBMISSION_RECEIVED\n          SUBMISSION_REJECTED\n          SUBMISSION_QUALIFIED\n          SUBMISSION_NEEDS_REVIEW\n          SUBMISSION_FAILED\n          DEAL_CREATED\n          DEAL_STAGE_CHANGED\n          DEAL_WON\n          DEAL_LOST\n          APPROVAL_REQUESTED\n          APPROVAL_APPROVED\n          APPROVAL_REJECTED\n          APPROVAL_EXECUTED\n          APPROVAL_EXPIRED\n          INBOX_MESSAGE_SENT\n          BUDGET_EXHAUSTED\n        ]\n      }\n    ) {\n      nodes {\n        occurredAt\n        summary\n      }\n    }\n  }\n": typeof types.StartPageDocument,
};
const documents: Documents = {
    "\n  subscription DemoStory($after: Cursor) {\n    events(\n      after: $after\n      filter: {\n        types: [\n          SUBMISSION_RECEIVED\n          SUBMISSION_QUALIFIED\n          DEAL_CREATED\n          APPROVAL_REQUESTED\n          EFFECT_CONFIRMED\n          RUN_WAITING\n          RUN_FINISHED\n        ]\n      }\n    ) {\n      id\n      type\n      occurredAt\n      summary\n      actor {\n        name\n      }\n    }\n  }\n": types.DemoStoryDocument,
    "\n  subscription DemoEverything($after: Cursor) {\n    events(after: $after) {\n      id\n      type\n    }\n  }\n": types.DemoEverythingDocument,
    "\n  query DemoLog($from: Cursor!, $after: String) {\n    events(first: 100, from: $from, after: $after) {\n      nodes {\n        id\n      }\n      pageInfo {\n        endCursor\n        hasNextPage\n      }\n    }\n  }\n": types.DemoLogDocument,
    "\n  query DemoTeam {\n    employees(first: 10) {\n      nodes {\n        name\n        title\n        activity {\n          state\n          text\n        }\n      }\n    }\n  }\n": types.DemoTeamDocument,
    "\n  query DemoInFlight {\n    runs(first: 1, filter: { status: { eq: RUNNING } }) {\n      totalCount\n    }\n  }\n": types.DemoInFlightDocument,
    "\n  query DemoDeals {\n    deals(first: 1) {\n      totalCount\n    }\n  }\n": types.DemoDealsDocument,
    "\n  subscription DemoEnds($after: Cursor) {\n    events(after: $after, filter: { types: [RUN_WAITING, RUN_FINISHED] }) {\n      id\n      type\n    }\n  }\n": types.DemoEndsDocument,
    "\n  query DemoStart {\n    cursor\n    viewer {\n      workspace {\n        name\n      }\n    }\n  }\n": types.DemoStartDocument,
    "\n  query DemoOutcomes($ids: [ID!]!) {\n    submissions(first: 50, filter: { id: { in: $ids } }) {\n      nodes {\n        id\n        receivedAt\n        contact {\n          id\n          createdAt\n        }\n        deal {\n          id\n        }\n        runs {\n          id\n          status\n          waitingFor {\n            name\n          }\n          rehearsal\n          model\n          cost {\n            micros\n          }\n          tokens {\n            input\n            output\n            cacheRead\n            cacheWrite\n          }\n        }\n      }\n    }\n  }\n": types.DemoOutcomesDocument,
    "\n  query StartPage {\n    viewer {\n      workspace {\n        name\n        timeZone\n      }\n    }\n    employees(first: 10, filter: { status: { in: [ACTIVE, PAUSED] } }, orderBy: [{ field: NAME, direction: ASC }]) {\n      nodes {\n        name\n        title\n        activity {\n          state\n          text\n          since\n        }\n      }\n    }\n    approvals(first: 10, status: [PENDING]) {\n      totalCount\n      nodes {\n        id\n        title\n        reason\n        changes {\n          field\n          to\n        }\n        employee {\n          name\n        }\n      }\n    }\n    forms(first: 10) {\n      nodes {\n        path\n        status\n      }\n    }\n    runs(first: 1) {\n      nodes {\n        id\n      }\n    }\n    events(\n      last: 10\n      filter: {\n        types: [\n          SUBMISSION_RECEIVED\n          SUBMISSION_REJECTED\n          SUBMISSION_QUALIFIED\n          SUBMISSION_NEEDS_REVIEW\n          SUBMISSION_FAILED\n          DEAL_CREATED\n          DEAL_STAGE_CHANGED\n          DEAL_WON\n          DEAL_LOST\n          APPROVAL_REQUESTED\n          APPROVAL_APPROVED\n          APPROVAL_REJECTED\n          APPROVAL_EXECUTED\n          APPROVAL_EXPIRED\n          INBOX_MESSAGE_SENT\n          BUDGET_EXHAUSTED\n        ]\n      }\n    ) {\n      nodes {\n        occurredAt\n        summary\n      }\n    }\n  }\n": types.StartPageDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription DemoStory($after: Cursor) {\n    events(\n      after: $after\n      filter: {\n        types: [\n          SUBMISSION_RECEIVED\n          SUBMISSION_QUALIFIED\n          DEAL_CREATED\n          APPROVAL_REQUESTED\n          EFFECT_CONFIRMED\n          RUN_WAITING\n          RUN_FINISHED\n        ]\n      }\n    ) {\n      id\n      type\n      occurredAt\n      summary\n      actor {\n        name\n      }\n    }\n  }\n"): typeof import('./graphql.ts').DemoStoryDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription DemoEverything($after: Cursor) {\n    events(after: $after) {\n      id\n      type\n    }\n  }\n"): typeof import('./graphql.ts').DemoEverythingDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DemoLog($from: Cursor!, $after: String) {\n    events(first: 100, from: $from, after: $after) {\n      nodes {\n        id\n      }\n      pageInfo {\n        endCursor\n        hasNextPage\n      }\n    }\n  }\n"): typeof import('./graphql.ts').DemoLogDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DemoTeam {\n    employees(first: 10) {\n      nodes {\n        name\n        title\n        activity {\n          state\n          text\n        }\n      }\n    }\n  }\n"): typeof import('./graphql.ts').DemoTeamDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DemoInFlight {\n    runs(first: 1, filter: { status: { eq: RUNNING } }) {\n      totalCount\n    }\n  }\n"): typeof import('./graphql.ts').DemoInFlightDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DemoDeals {\n    deals(first: 1) {\n      totalCount\n    }\n  }\n"): typeof import('./graphql.ts').DemoDealsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription DemoEnds($after: Cursor) {\n    events(after: $after, filter: { types: [RUN_WAITING, RUN_FINISHED] }) {\n      id\n      type\n    }\n  }\n"): typeof import('./graphql.ts').DemoEndsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DemoStart {\n    cursor\n    viewer {\n      workspace {\n        name\n      }\n    }\n  }\n"): typeof import('./graphql.ts').DemoStartDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DemoOutcomes($ids: [ID!]!) {\n    submissions(first: 50, filter: { id: { in: $ids } }) {\n      nodes {\n        id\n        receivedAt\n        contact {\n          id\n          createdAt\n        }\n        deal {\n          id\n        }\n        runs {\n          id\n          status\n          waitingFor {\n            name\n          }\n          rehearsal\n          model\n          cost {\n            micros\n          }\n          tokens {\n            input\n            output\n            cacheRead\n            cacheWrite\n          }\n        }\n      }\n    }\n  }\n"): typeof import('./graphql.ts').DemoOutcomesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query StartPage {\n    viewer {\n      workspace {\n        name\n        timeZone\n      }\n    }\n    employees(first: 10, filter: { status: { in: [ACTIVE, PAUSED] } }, orderBy: [{ field: NAME, direction: ASC }]) {\n      nodes {\n        name\n        title\n        activity {\n          state\n          text\n          since\n        }\n      }\n    }\n    approvals(first: 10, status: [PENDING]) {\n      totalCount\n      nodes {\n        id\n        title\n        reason\n        changes {\n          field\n          to\n        }\n        employee {\n          name\n        }\n      }\n    }\n    forms(first: 10) {\n      nodes {\n        path\n        status\n      }\n    }\n    runs(first: 1) {\n      nodes {\n        id\n      }\n    }\n    events(\n      last: 10\n      filter: {\n        types: [\n          SUBMISSION_RECEIVED\n          SUBMISSION_REJECTED\n          SUBMISSION_QUALIFIED\n          SUBMISSION_NEEDS_REVIEW\n          SUBMISSION_FAILED\n          DEAL_CREATED\n          DEAL_STAGE_CHANGED\n          DEAL_WON\n          DEAL_LOST\n          APPROVAL_REQUESTED\n          APPROVAL_APPROVED\n          APPROVAL_REJECTED\n          APPROVAL_EXECUTED\n          APPROVAL_EXPIRED\n          INBOX_MESSAGE_SENT\n          BUDGET_EXHAUSTED\n        ]\n      }\n    ) {\n      nodes {\n        occurredAt\n        summary\n      }\n    }\n  }\n"): typeof import('./graphql.ts').StartPageDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
