import { type PathItem, problemAnswer } from '../../platform/http/openapi.ts'

const PAGE = { 'text/html': { schema: { type: 'string' } } }

const FORM = {
  type: 'object',
  required: ['name', 'open', 'version', 'fields', 'submit'],
  properties: {
    name: { type: 'string' },
    open: { type: 'boolean', description: 'Whether it takes anything at the moment.' },
    version: { type: 'integer' },
    fields: {
      type: 'array',
      items: {
        type: 'object',
        required: ['key', 'kind', 'label'],
        properties: { key: { type: 'string' }, kind: { type: 'string' }, label: { type: 'string' } },
      },
    },
    submit: { type: 'object', description: 'How it is sent.' },
  },
}

const ANSWERS = {
  type: 'object',
  description: 'A member for each field that is answered, by its key.',
  properties: {
    _id: {
      type: 'string',
      description:
        'The id of the submission, a UUID of your own: what is sent twice is stored once. Idempotency-Key does the same.',
    },
  },
  additionalProperties: true,
}

const RECEIVED = {
  type: 'object',
  required: ['id', 'replayed'],
  properties: {
    id: { type: 'string', description: 'The public id of the submission.' },
    replayed: { type: 'boolean', description: 'Whether the same had been stored before.' },
    message: { type: 'string', description: 'What to show to whom sent it.' },
    redirectUrl: { type: 'string', format: 'uri', description: 'Where to lead whom sent it.' },
  },
}

const EXAMPLE = { email: 'kim@nimbus.example', company: 'Nimbus Labs', occupation: 'Owner' }

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'The id of the submission, a UUID of your own: what is sent twice is stored once.',
  schema: { type: 'string' },
}

const noForm = problemAnswer('There is no such form; a browser gets a page that says so.')
const closed = problemAnswer('The form takes nothing any more, or not at the moment.')
const tooMany = problemAnswer('Too much was sent from here, or too fast; Retry-After says when to come again.')
const unavailable = problemAnswer('Not at this moment; Retry-After says when to come again.')

/** What `/f/{workspace}/{form}` is to programs; browsers get pages under the same status codes. */
export const formDoor: PathItem = {
  get: {
    summary: 'A form: as a page for browsers, as a description for programs.',
    parameters: [
      {
        name: 'schema',
        in: 'query',
        description: 'Whatever the caller accepts, it gets the description.',
        allowEmptyValue: true,
        schema: { type: 'string' },
      },
    ],
    responses: {
      200: { description: 'The form.', content: { ...PAGE, 'application/json': { schema: FORM } } },
      404: noForm,
      410: { description: 'A page that says that the form is closed.', content: PAGE },
      503: unavailable,
    },
  },
  post: {
    summary: 'Sends a form. JSON is answered as JSON; what a page sends is answered with pages.',
    parameters: [idempotencyKey],
    requestBody: {
      required: true,
      content: {
        'application/json': { schema: ANSWERS, examples: { lead: { value: EXAMPLE } } },
        'application/x-www-form-urlencoded': { schema: { type: 'object', additionalProperties: true } },
      },
    },
    responses: {
      200: { description: 'The same had been stored before.', content: { 'application/json': { schema: RECEIVED } } },
      201: {
        description: 'It is stored, and an employee takes it.',
        content: { 'application/json': { schema: RECEIVED } },
      },
      303: { description: 'For a page: it is stored; Location leads on.' },
      400: problemAnswer('The body cannot be read.'),
      403: problemAnswer('A page of an origin that the workspace does not list sent it.'),
      404: noForm,
      409: problemAnswer('It was sent before with other answers, or exactly this came a moment ago.'),
      410: closed,
      413: problemAnswer('The body is too large.'),
      415: problemAnswer('The body is neither JSON nor sent by a form.'),
      422: problemAnswer(
        'Answers that cannot be taken, with an issue for each. A page comes back with them at its fields.',
      ),
      429: tooMany,
      503: unavailable,
    },
  },
}

export const thanksDoor: PathItem = {
  get: {
    summary: 'Where a browser ends up after it has sent a form.',
    responses: {
      200: { description: 'The page that says thank you.', content: PAGE },
      404: { description: 'A page that says that there is no such form.', content: PAGE },
    },
  },
}
