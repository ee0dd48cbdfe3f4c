import { newId } from '../../platform/lib/ids.ts'
import type { Lead } from './lead.ts'

type Sample = readonly [
  name: string,
  company: string,
  occupation: string,
  city: string,
  budget: number | null,
  callMe: boolean,
  message: string,
]

// Invented people at invented companies, on addresses that can never be anybody's (RFC 2606).
const SAMPLES: readonly Sample[] = [
  [
    'Kim Larsen',
    'Nimbus Labs',
    'Head of Operations',
    'Copenhagen',
    18_000,
    true,
    'We are 40 people and want this running this quarter.',
  ],
  [
    'Priya Raman',
    'Kite & Co',
    'Managing Director',
    'Chennai',
    24_000,
    false,
    'Two teams would start, the rest follows in spring.',
  ],
  ['Jonas Weber', 'Weber Werkzeugbau', 'Owner', 'Stuttgart', 9_500, true, 'Please call in the morning.'],
  ['Amélie Roux', 'Atelier Roux', 'Designer', 'Lyon', null, false, 'Just looking around for now.'],
  ['Tomás Silva', 'Porto Freight', 'Sales Manager', 'Porto', 32_000, true, 'Our dispatchers lose leads every day.'],
  ['Hannah Cole', '', 'Student', 'Leeds', null, false, 'I am writing a thesis about sales software.'],
  [
    'Yuki Tanaka',
    'Hoshi Robotics',
    'Head of Sales',
    'Osaka',
    60_000,
    false,
    'Can it speak Japanese with our customers?',
  ],
  ['Marta Nowak', 'Nowak Legal', 'Partner', 'Kraków', 6_000, false, 'Data must stay in Europe.'],
  ['Deniz Aydin', 'Bosphorus Travel', 'Owner', 'Istanbul', 4_000, true, 'High season starts in May.'],
  ['Sam Okafor', 'Okafor Solar', 'Founder', 'Lagos', 15_000, true, 'Three installers, many enquiries.'],
  ['Lena Fischer', '', 'Unemployed', 'Graz', null, false, ''],
  ['Carlos Mendez', 'Mendez Dental', 'Practice Manager', 'Valencia', 7_500, false, 'We answer forms two days late.'],
  [
    'Ingrid Dahl',
    'Fjordline Books',
    'Managing Director',
    'Bergen',
    11_000,
    false,
    'Readers write to us in five languages.',
  ],
  [
    'Ravi Patel',
    'Patel Logistics',
    'Head of Operations',
    'Birmingham',
    45_000,
    true,
    'Interested in a pilot with 12 depots.',
  ],
  ['Zoe Martin', 'Martin Media', 'Freelancer', 'Brussels', 1_200, false, 'Only me for the moment.'],
  ['Ahmed Hassan', 'Nile Textiles', 'Sales Manager', 'Cairo', 20_000, false, 'We sell to 30 countries.'],
  ['Olga Petrova', '', 'Student', 'Riga', null, false, 'Is there a free plan?'],
  ['Ben Carter', 'Carter Roofing', 'Owner', 'Austin', 8_000, true, 'Call me after five.'],
  [
    'Sofia Rossi',
    'Rossi Wines',
    'Managing Director',
    'Verona',
    13_500,
    false,
    'Restaurants ask faster than we answer.',
  ],
  ['Noah Kim', 'Hangang Fitness', 'Founder', 'Seoul', 5_500, false, 'Six studios.'],
  ['Elif Kaya', 'Kaya Ceramics', 'Owner', 'Izmir', null, true, 'What does it cost?'],
  ['Peter Novák', 'Novák Pumps', 'Head of Sales', 'Brno', 28_000, false, 'We need it to work with our price list.'],
  ['Grace Wanjiru', 'Savanna Tours', 'Sales Manager', 'Nairobi', 10_000, true, 'Peak is in July, we want to be ready.'],
  ['Luca Bianchi', '', 'Unemployed', 'Milan', null, false, 'Testing your form.'],
  ['Emma Jensen', 'Jensen Offshore', 'Head of Operations', 'Esbjerg', 75_000, true, 'Board decides in two weeks.'],
]

/** `count` leads from the sample, over and over, each with an id and an address of its own. */
export function* sampleLeads(count: number): Generator<Lead> {
  for (let n = 0; n < count; n++) {
    const sample = SAMPLES[n % SAMPLES.length]
    if (sample === undefined) return
    const [name, company, occupation, city, budget, callMe, message] = sample
    const id = newId()
    const mailbox = name
      .toLowerCase()
      .normalize('NFKD')
      .replace(/[^a-z]+/g, '.')
    const answers: Record<string, unknown> = {
      email: `${mailbox}.${id.slice(-6)}@leads.example`,
      name,
      occupation,
      city,
      call_me: callMe,
    }
    if (company !== '') answers.company = company
    if (budget !== null) answers.budget = budget
    if (message !== '') answers.message = message
    yield { id, label: company === '' ? name : company, answers }
  }
}
