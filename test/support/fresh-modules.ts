import SchemaBuilder from '@pothos/core'
import { vi } from 'vitest'

// The builder of the schema is a module, and what one file defines with it another would find there.
vi.resetModules()
SchemaBuilder.allowPluginReRegistration = true
