import { graphql } from '../client/gql/gql.ts'

/** All that the start page shows; the page links to it, for who wants to ask the same. */
export const StartPage = graphql(`
  query StartPage {
    viewer {
      workspace {
        name
        timeZone
      }
    }
    employees(first: 10, filter: { status: { in: [ACTIVE, PAUSED] } }, orderBy: [{ field: NAME, direction: ASC }]) {
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
      filter: {
        types: [
          SUBMISSION_RECEIVED
          SUBMISSION_REJECTED
          SUBMISSION_QUALIFIED
          SUBMISSION_NEEDS_REVIEW
          SUBMISSION_FAILED
          DEAL_CREATED
          DEAL_STAGE_CHANGED
          DEAL_WON
          DEAL_LOST
          APPROVAL_REQUESTED
          APPROVAL_APPROVED
          APPROVAL_REJECTED
          APPROVAL_EXECUTED
          APPROVAL_EXPIRED
          INBOX_MESSAGE_SENT
          BUDGET_EXHAUSTED
        ]
      }
    ) {
      nodes {
        occurredAt
        summary
      }
    }
  }
`)
