-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateTable
CREATE TABLE "workspace" (
    "id" UUID NOT NULL,
    "slug" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "time_zone" TEXT NOT NULL,
    "currency" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'ACTIVE',
    "daily_budget_micros" BIGINT,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "workspace_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "member" (
    "workspace_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "email_normalised" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "member_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateTable
CREATE TABLE "api_key" (
    "workspace_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "member_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "key_hash" TEXT NOT NULL,
    "permissions" TEXT[],
    "expires_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateTable
CREATE TABLE "employee" (
    "workspace_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "name_folded" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "email" TEXT,
    "instructions" TEXT NOT NULL DEFAULT '',
    "persona" JSONB NOT NULL DEFAULT '{}',
    "autonomy" TEXT NOT NULL,
    "tools" TEXT[],
    "model" TEXT,
    "status" TEXT NOT NULL DEFAULT 'ACTIVE',
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "employee_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateTable
CREATE TABLE "employee_version" (
    "workspace_id" UUID NOT NULL,
    "employee_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "definition" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "employee_version_pkey" PRIMARY KEY ("workspace_id","employee_id","version")
);

-- CreateTable
CREATE TABLE "goal" (
    "workspace_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "employee_id" UUID NOT NULL,
    "title" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "kind" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'ACTIVE',
    "status_reason" TEXT,
    "priority" INTEGER NOT NULL DEFAULT 5,
    "comparator" TEXT,
    "target" DOUBLE PRECISION,
    "target_max" DOUBLE PRECISION,
    "baseline" DOUBLE PRECISION,
    "current" DOUBLE PRECISION,
    "unit" TEXT,
    "window" TEXT,
    "due_at" TIMESTAMPTZ(3),
    "closed_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "goal_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateTable
CREATE TABLE "handler_group" (
    "workspace_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "strategy" TEXT NOT NULL,
    "turn" INTEGER NOT NULL DEFAULT 0,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "handler_group_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateTable
CREATE TABLE "handler_group_member" (
    "workspace_id" UUID NOT NULL,
    "group_id" UUID NOT NULL,
    "employee_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,

    CONSTRAINT "handler_group_member_pkey" PRIMARY KEY ("workspace_id","group_id","employee_id")
);

-- CreateTable
CREATE TABLE "form" (
    "workspace_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "name_folded" TEXT NOT NULL,
    "slug" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'DRAFT',
    "handler_group_id" UUID,
    "pipeline_id" UUID,
    "draft" JSONB NOT NULL,
    "limits" JSONB NOT NULL DEFAULT '{}',
    "autonomy" TEXT NOT NULL DEFAULT 'SUPERVISED',
    "published_version" INTEGER,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "form_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateTable
CREATE TABLE "form_version" (
    "workspace_id" UUID NOT NULL,
    "form_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "definition" JSONB NOT NULL,
    "published_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "form_version_pkey" PRIMARY KEY ("workspace_id","form_id","number")
);

-- CreateTable
CREATE TABLE "submission" (
    "workspace_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "form_id" UUID NOT NULL,
    "form_version" INTEGER NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'RECEIVED',
    "status_reason" TEXT,
    "answers" JSONB NOT NULL,
    "input_hash" TEXT NOT NULL,
    "email_normalised" TEXT,
    "address_hash" TEXT,
    "origin" JSONB NOT NULL DEFAULT '{}',
    "contact_id" UUID,
    "employee_id" UUID,
    "qualified" BOOLEAN,
    "fit" DOUBLE PRECISION,
    "reasons" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "first_response_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "submission_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateTable
CREATE TABLE "submission_rejection" (
    "workspace_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "form_id" UUID NOT NULL,
    "reason" TEXT NOT NULL,
    "email_normalised" TEXT,
    "address_hash" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "submission_rejection_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateTable
CREATE TABLE "contact" (
    "workspace_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT,
    "name_folded" TEXT,
    "email" TEXT,
    "email_normalised" TEXT,
    "phone" TEXT,
    "company_name" TEXT,
    "lifecycle" TEXT NOT NULL DEFAULT 'LEAD',
    "external_reference" TEXT,
    "owner_employee_id" UUID,
    "owner_member_id" UUID,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "contact_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateTable
CREATE TABLE "pipeline" (
    "workspace_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "pipeline_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateTable
CREATE TABLE "stage" (
    "workspace_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "pipeline_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "probability" DOUBLE PRECISION NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "stage_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateTable
CREATE TABLE "deal" (
    "workspace_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "name_folded" TEXT NOT NULL,
    "amount_micros" BIGINT,
    "currency" TEXT,
    "stage_id" UUID NOT NULL,
    "contact_id" UUID,
    "submission_id" UUID,
    "owner_employee_id" UUID,
    "owner_member_id" UUID,
    "expected_close_on" DATE,
    "closed_at" TIMESTAMPTZ(3),
    "lost_reason" TEXT,
    "next_step" TEXT,
    "stage_changed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "deal_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateTable
CREATE TABLE "run" (
    "workspace_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "employee_id" UUID NOT NULL,
    "employee_version" INTEGER NOT NULL,
    "trigger" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'QUEUED',
    "reason" TEXT,
    "reason_text" TEXT,
    "title" TEXT NOT NULL,
    "priority" TEXT NOT NULL DEFAULT 'NORMAL',
    "deadline" TIMESTAMPTZ(3),
    "submission_id" UUID,
    "deal_id" UUID,
    "waiting_kind" TEXT,
    "waiting_member_id" UUID,
    "waiting_since" TIMESTAMPTZ(3),
    "wake_at" TIMESTAMPTZ(3),
    "segment" INTEGER NOT NULL DEFAULT 1,
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "executor_id" UUID,
    "next_seq" INTEGER NOT NULL DEFAULT 0,
    "writes" INTEGER NOT NULL DEFAULT 0,
    "takeovers" INTEGER NOT NULL DEFAULT 0,
    "cancel_requested_at" TIMESTAMPTZ(3),
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "model" TEXT,
    "rehearsal" BOOLEAN NOT NULL DEFAULT false,
    "cost_micros" BIGINT NOT NULL DEFAULT 0,
    "tokens_input" INTEGER NOT NULL DEFAULT 0,
    "tokens_output" INTEGER NOT NULL DEFAULT 0,
    "tokens_cache_read" INTEGER NOT NULL DEFAULT 0,
    "tokens_cache_write" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "run_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateTable
CREATE TABLE "run_step" (
    "workspace_id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "turn" INTEGER NOT NULL,
    "call_index" INTEGER,
    "data" JSONB NOT NULL,
    "cost_micros" BIGINT NOT NULL DEFAULT 0,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),
    "approval_id" UUID,

    CONSTRAINT "run_step_pkey" PRIMARY KEY ("workspace_id","run_id","seq")
);

-- CreateTable
CREATE TABLE "effect" (
    "workspace_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "turn" INTEGER NOT NULL,
    "call_index" INTEGER NOT NULL,
    "tool" TEXT NOT NULL,
    "risk" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "target" TEXT NOT NULL DEFAULT '',
    "content_hash" TEXT NOT NULL,
    "result" JSONB,
    "error" TEXT,
    "sent_at" TIMESTAMPTZ(3),
    "confirmed_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "effect_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateTable
CREATE TABLE "approval" (
    "workspace_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "employee_id" UUID NOT NULL,
    "member_id" UUID,
    "turn" INTEGER NOT NULL,
    "call_index" INTEGER NOT NULL,
    "tool" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "input" JSONB NOT NULL,
    "edited_input" JSONB,
    "changes" JSONB NOT NULL DEFAULT '[]',
    "shown_hash" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "risk" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'PENDING',
    "requested_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "on_expiry" TEXT NOT NULL DEFAULT 'REJECT',
    "decided_by" JSONB,
    "decided_at" TIMESTAMPTZ(3),
    "decision_reason" TEXT,
    "error" TEXT,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "approval_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateTable
CREATE TABLE "inbox_message" (
    "workspace_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "employee_id" UUID NOT NULL,
    "run_id" UUID,
    "priority" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "blocks" JSONB NOT NULL,
    "read_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "inbox_message_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateTable
CREATE TABLE "budget_day" (
    "workspace_id" UUID NOT NULL,
    "day" DATE NOT NULL,
    "limit_micros" BIGINT,
    "held_micros" BIGINT NOT NULL DEFAULT 0,
    "settled_micros" BIGINT NOT NULL DEFAULT 0,
    "lost_micros" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "budget_day_pkey" PRIMARY KEY ("workspace_id","day")
);

-- CreateTable
CREATE TABLE "budget_reservation" (
    "workspace_id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "turn" INTEGER NOT NULL,
    "attempt" INTEGER NOT NULL,
    "day" DATE NOT NULL,
    "status" TEXT NOT NULL,
    "amount_micros" BIGINT NOT NULL,
    "settled_micros" BIGINT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "budget_reservation_pkey" PRIMARY KEY ("workspace_id","run_id","turn","attempt")
);

-- CreateTable
CREATE TABLE "idempotency_claim" (
    "workspace_id" UUID NOT NULL,
    "credential" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "operation" TEXT NOT NULL,
    "input_hash" TEXT NOT NULL,
    "outcome" JSONB NOT NULL,
    "outbox_id" BIGINT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "idempotency_claim_pkey" PRIMARY KEY ("workspace_id","credential","key")
);

-- CreateTable
CREATE TABLE "event_outbox" (
    "id" BIGSERIAL NOT NULL,
    "workspace_id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "subject_type" TEXT NOT NULL,
    "subject_id" UUID NOT NULL,
    "subject_version" INTEGER,
    "actor" JSONB NOT NULL,
    "run_id" UUID,
    "cause_id" BIGINT,
    "depth" INTEGER NOT NULL DEFAULT 0,
    "data" JSONB NOT NULL DEFAULT '{}',
    "changes" JSONB NOT NULL DEFAULT '[]',
    "origin" JSONB NOT NULL DEFAULT '{}',
    "occurred_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "event_outbox_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "event_log" (
    "position" BIGSERIAL NOT NULL,
    "outbox_id" BIGINT NOT NULL,
    "workspace_id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "subject_type" TEXT NOT NULL,
    "subject_id" UUID NOT NULL,
    "subject_version" INTEGER,
    "actor" JSONB NOT NULL,
    "run_id" UUID,
    "cause_id" BIGINT,
    "depth" INTEGER NOT NULL,
    "data" JSONB NOT NULL,
    "changes" JSONB NOT NULL,
    "origin" JSONB NOT NULL,
    "occurred_at" TIMESTAMPTZ(3) NOT NULL,
    "salt" BYTEA,
    "hash" BYTEA,

    CONSTRAINT "event_log_pkey" PRIMARY KEY ("position")
);

-- CreateTable
CREATE TABLE "event_epoch" (
    "number" INTEGER NOT NULL,
    "system_identifier" TEXT NOT NULL,
    "timeline" INTEGER NOT NULL,
    "starts_at" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "event_epoch_pkey" PRIMARY KEY ("number")
);

-- CreateTable
CREATE TABLE "process" (
    "executor_id" UUID NOT NULL,
    "host" TEXT NOT NULL,
    "boot_id" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "pid_start" TEXT NOT NULL,
    "lock_key" BIGINT NOT NULL,
    "counter" BIGINT NOT NULL DEFAULT 0,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "process_pkey" PRIMARY KEY ("executor_id")
);

-- CreateIndex
CREATE UNIQUE INDEX "workspace_slug_key" ON "workspace"("slug");

-- CreateIndex
CREATE UNIQUE INDEX "member_workspace_id_email_normalised_key" ON "member"("workspace_id", "email_normalised");

-- CreateIndex
CREATE UNIQUE INDEX "api_key_key_hash_key" ON "api_key"("key_hash");

-- CreateIndex
CREATE INDEX "api_key_workspace_id_member_id_idx" ON "api_key"("workspace_id", "member_id");

-- CreateIndex
CREATE INDEX "employee_workspace_id_created_at_id_idx" ON "employee"("workspace_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "employee_workspace_id_name_folded_id_idx" ON "employee"("workspace_id", "name_folded", "id");

-- CreateIndex
CREATE INDEX "employee_workspace_id_status_id_idx" ON "employee"("workspace_id", "status", "id");

-- CreateIndex
CREATE INDEX "goal_workspace_id_employee_id_id_idx" ON "goal"("workspace_id", "employee_id", "id");

-- CreateIndex
CREATE INDEX "goal_workspace_id_status_id_idx" ON "goal"("workspace_id", "status", "id");

-- CreateIndex
CREATE INDEX "goal_workspace_id_created_at_id_idx" ON "goal"("workspace_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "handler_group_member_workspace_id_employee_id_idx" ON "handler_group_member"("workspace_id", "employee_id");

-- CreateIndex
CREATE INDEX "form_workspace_id_created_at_id_idx" ON "form"("workspace_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "form_workspace_id_name_folded_id_idx" ON "form"("workspace_id", "name_folded", "id");

-- CreateIndex
CREATE INDEX "form_workspace_id_handler_group_id_idx" ON "form"("workspace_id", "handler_group_id");

-- CreateIndex
CREATE INDEX "form_workspace_id_pipeline_id_idx" ON "form"("workspace_id", "pipeline_id");

-- CreateIndex
CREATE UNIQUE INDEX "form_workspace_id_slug_key" ON "form"("workspace_id", "slug");

-- CreateIndex
CREATE INDEX "submission_workspace_id_received_at_id_idx" ON "submission"("workspace_id", "received_at", "id");

-- CreateIndex
CREATE INDEX "submission_workspace_id_form_id_received_at_id_idx" ON "submission"("workspace_id", "form_id", "received_at", "id");

-- CreateIndex
CREATE INDEX "submission_workspace_id_contact_id_idx" ON "submission"("workspace_id", "contact_id");

-- CreateIndex
CREATE INDEX "submission_workspace_id_employee_id_idx" ON "submission"("workspace_id", "employee_id");

-- CreateIndex
CREATE INDEX "submission_workspace_id_status_received_at_id_idx" ON "submission"("workspace_id", "status", "received_at", "id");

-- CreateIndex
CREATE INDEX "submission_rejection_workspace_id_form_id_created_at_idx" ON "submission_rejection"("workspace_id", "form_id", "created_at");

-- CreateIndex
CREATE INDEX "contact_workspace_id_created_at_id_idx" ON "contact"("workspace_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "contact_workspace_id_name_folded_id_idx" ON "contact"("workspace_id", "name_folded", "id");

-- CreateIndex
CREATE INDEX "contact_workspace_id_lifecycle_id_idx" ON "contact"("workspace_id", "lifecycle", "id");

-- CreateIndex
CREATE INDEX "contact_workspace_id_owner_employee_id_idx" ON "contact"("workspace_id", "owner_employee_id");

-- CreateIndex
CREATE INDEX "contact_workspace_id_owner_member_id_idx" ON "contact"("workspace_id", "owner_member_id");

-- CreateIndex
CREATE UNIQUE INDEX "contact_workspace_id_email_normalised_key" ON "contact"("workspace_id", "email_normalised");

-- CreateIndex
CREATE UNIQUE INDEX "contact_workspace_id_external_reference_key" ON "contact"("workspace_id", "external_reference");

-- CreateIndex
CREATE INDEX "pipeline_workspace_id_created_at_id_idx" ON "pipeline"("workspace_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "stage_workspace_id_pipeline_id_position_key" ON "stage"("workspace_id", "pipeline_id", "position");

-- CreateIndex
CREATE INDEX "deal_workspace_id_created_at_id_idx" ON "deal"("workspace_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "deal_workspace_id_updated_at_id_idx" ON "deal"("workspace_id", "updated_at", "id");

-- CreateIndex
CREATE INDEX "deal_workspace_id_name_folded_id_idx" ON "deal"("workspace_id", "name_folded", "id");

-- CreateIndex
CREATE INDEX "deal_workspace_id_stage_id_id_idx" ON "deal"("workspace_id", "stage_id", "id");

-- CreateIndex
CREATE INDEX "deal_workspace_id_contact_id_idx" ON "deal"("workspace_id", "contact_id");

-- CreateIndex
CREATE INDEX "deal_workspace_id_owner_employee_id_idx" ON "deal"("workspace_id", "owner_employee_id");

-- CreateIndex
CREATE INDEX "deal_workspace_id_owner_member_id_idx" ON "deal"("workspace_id", "owner_member_id");

-- CreateIndex
CREATE INDEX "deal_workspace_id_currency_amount_micros_id_idx" ON "deal"("workspace_id", "currency", "amount_micros", "id");

-- CreateIndex
CREATE UNIQUE INDEX "deal_workspace_id_submission_id_key" ON "deal"("workspace_id", "submission_id");

-- CreateIndex
CREATE INDEX "run_workspace_id_created_at_id_idx" ON "run"("workspace_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "run_workspace_id_employee_id_created_at_id_idx" ON "run"("workspace_id", "employee_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "run_workspace_id_status_created_at_id_idx" ON "run"("workspace_id", "status", "created_at", "id");

-- CreateIndex
CREATE INDEX "run_workspace_id_submission_id_idx" ON "run"("workspace_id", "submission_id");

-- CreateIndex
CREATE INDEX "run_workspace_id_deal_id_idx" ON "run"("workspace_id", "deal_id");

-- CreateIndex
CREATE INDEX "run_workspace_id_waiting_member_id_idx" ON "run"("workspace_id", "waiting_member_id");

-- CreateIndex
CREATE INDEX "run_step_workspace_id_approval_id_idx" ON "run_step"("workspace_id", "approval_id");

-- CreateIndex
CREATE UNIQUE INDEX "effect_workspace_id_run_id_turn_call_index_key" ON "effect"("workspace_id", "run_id", "turn", "call_index");

-- CreateIndex
CREATE UNIQUE INDEX "effect_workspace_id_run_id_seq_key" ON "effect"("workspace_id", "run_id", "seq");

-- CreateIndex
CREATE INDEX "approval_workspace_id_requested_at_id_idx" ON "approval"("workspace_id", "requested_at", "id");

-- CreateIndex
CREATE INDEX "approval_workspace_id_status_requested_at_id_idx" ON "approval"("workspace_id", "status", "requested_at", "id");

-- CreateIndex
CREATE INDEX "approval_workspace_id_employee_id_idx" ON "approval"("workspace_id", "employee_id");

-- CreateIndex
CREATE INDEX "approval_workspace_id_member_id_idx" ON "approval"("workspace_id", "member_id");

-- CreateIndex
CREATE UNIQUE INDEX "approval_workspace_id_run_id_turn_call_index_key" ON "approval"("workspace_id", "run_id", "turn", "call_index");

-- CreateIndex
CREATE INDEX "inbox_message_workspace_id_created_at_id_idx" ON "inbox_message"("workspace_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "inbox_message_workspace_id_employee_id_idx" ON "inbox_message"("workspace_id", "employee_id");

-- CreateIndex
CREATE INDEX "inbox_message_workspace_id_run_id_idx" ON "inbox_message"("workspace_id", "run_id");

-- CreateIndex
CREATE INDEX "idempotency_claim_created_at_idx" ON "idempotency_claim"("created_at");

-- CreateIndex
CREATE UNIQUE INDEX "event_log_outbox_id_key" ON "event_log"("outbox_id");

-- CreateIndex
CREATE INDEX "event_log_workspace_id_position_idx" ON "event_log"("workspace_id", "position");

-- CreateIndex
CREATE INDEX "event_log_workspace_id_subject_id_position_idx" ON "event_log"("workspace_id", "subject_id", "position");

-- CreateIndex
CREATE INDEX "event_log_workspace_id_run_id_position_idx" ON "event_log"("workspace_id", "run_id", "position");

-- CreateIndex
CREATE INDEX "event_log_workspace_id_type_position_idx" ON "event_log"("workspace_id", "type", "position");

-- CreateTable
CREATE TABLE "server_secret" (
    "name" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "server_secret_pkey" PRIMARY KEY ("name")
);

-- CreateIndex
CREATE INDEX "contact_workspace_id_phone_idx" ON "contact"("workspace_id", "phone");

-- CreateIndex
CREATE INDEX "deal_workspace_id_expected_close_on_id_idx" ON "deal"("workspace_id", "expected_close_on", "id");

-- CreateIndex
CREATE INDEX "employee_workspace_id_role_id_idx" ON "employee"("workspace_id", "role", "id");

-- CreateIndex
CREATE INDEX "employee_workspace_id_autonomy_id_idx" ON "employee"("workspace_id", "autonomy", "id");

-- CreateIndex
CREATE INDEX "inbox_message_workspace_id_priority_created_at_id_idx" ON "inbox_message"("workspace_id", "priority", "created_at", "id");

-- AddForeignKey
ALTER TABLE "member" ADD CONSTRAINT "member_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_workspace_id_member_id_fkey" FOREIGN KEY ("workspace_id", "member_id") REFERENCES "member"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "employee" ADD CONSTRAINT "employee_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "employee_version" ADD CONSTRAINT "employee_version_workspace_id_employee_id_fkey" FOREIGN KEY ("workspace_id", "employee_id") REFERENCES "employee"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "goal" ADD CONSTRAINT "goal_workspace_id_employee_id_fkey" FOREIGN KEY ("workspace_id", "employee_id") REFERENCES "employee"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "handler_group_member" ADD CONSTRAINT "handler_group_member_workspace_id_group_id_fkey" FOREIGN KEY ("workspace_id", "group_id") REFERENCES "handler_group"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "handler_group_member" ADD CONSTRAINT "handler_group_member_workspace_id_employee_id_fkey" FOREIGN KEY ("workspace_id", "employee_id") REFERENCES "employee"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "form" ADD CONSTRAINT "form_workspace_id_handler_group_id_fkey" FOREIGN KEY ("workspace_id", "handler_group_id") REFERENCES "handler_group"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "form" ADD CONSTRAINT "form_workspace_id_pipeline_id_fkey" FOREIGN KEY ("workspace_id", "pipeline_id") REFERENCES "pipeline"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "form_version" ADD CONSTRAINT "form_version_workspace_id_form_id_fkey" FOREIGN KEY ("workspace_id", "form_id") REFERENCES "form"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "submission" ADD CONSTRAINT "submission_workspace_id_form_id_fkey" FOREIGN KEY ("workspace_id", "form_id") REFERENCES "form"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "submission" ADD CONSTRAINT "submission_form_edition_fkey" FOREIGN KEY ("workspace_id", "form_id", "form_version") REFERENCES "form_version"("workspace_id", "form_id", "number") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "submission" ADD CONSTRAINT "submission_workspace_id_contact_id_fkey" FOREIGN KEY ("workspace_id", "contact_id") REFERENCES "contact"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "submission" ADD CONSTRAINT "submission_workspace_id_employee_id_fkey" FOREIGN KEY ("workspace_id", "employee_id") REFERENCES "employee"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "submission_rejection" ADD CONSTRAINT "submission_rejection_workspace_id_form_id_fkey" FOREIGN KEY ("workspace_id", "form_id") REFERENCES "form"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact" ADD CONSTRAINT "contact_workspace_id_owner_employee_id_fkey" FOREIGN KEY ("workspace_id", "owner_employee_id") REFERENCES "employee"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact" ADD CONSTRAINT "contact_workspace_id_owner_member_id_fkey" FOREIGN KEY ("workspace_id", "owner_member_id") REFERENCES "member"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "stage" ADD CONSTRAINT "stage_workspace_id_pipeline_id_fkey" FOREIGN KEY ("workspace_id", "pipeline_id") REFERENCES "pipeline"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deal" ADD CONSTRAINT "deal_workspace_id_stage_id_fkey" FOREIGN KEY ("workspace_id", "stage_id") REFERENCES "stage"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deal" ADD CONSTRAINT "deal_workspace_id_contact_id_fkey" FOREIGN KEY ("workspace_id", "contact_id") REFERENCES "contact"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deal" ADD CONSTRAINT "deal_workspace_id_submission_id_fkey" FOREIGN KEY ("workspace_id", "submission_id") REFERENCES "submission"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deal" ADD CONSTRAINT "deal_workspace_id_owner_employee_id_fkey" FOREIGN KEY ("workspace_id", "owner_employee_id") REFERENCES "employee"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deal" ADD CONSTRAINT "deal_workspace_id_owner_member_id_fkey" FOREIGN KEY ("workspace_id", "owner_member_id") REFERENCES "member"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run" ADD CONSTRAINT "run_workspace_id_employee_id_fkey" FOREIGN KEY ("workspace_id", "employee_id") REFERENCES "employee"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run" ADD CONSTRAINT "run_employee_edition_fkey" FOREIGN KEY ("workspace_id", "employee_id", "employee_version") REFERENCES "employee_version"("workspace_id", "employee_id", "version") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run" ADD CONSTRAINT "run_workspace_id_submission_id_fkey" FOREIGN KEY ("workspace_id", "submission_id") REFERENCES "submission"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run" ADD CONSTRAINT "run_workspace_id_deal_id_fkey" FOREIGN KEY ("workspace_id", "deal_id") REFERENCES "deal"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run" ADD CONSTRAINT "run_workspace_id_waiting_member_id_fkey" FOREIGN KEY ("workspace_id", "waiting_member_id") REFERENCES "member"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run_step" ADD CONSTRAINT "run_step_workspace_id_run_id_fkey" FOREIGN KEY ("workspace_id", "run_id") REFERENCES "run"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run_step" ADD CONSTRAINT "run_step_workspace_id_approval_id_fkey" FOREIGN KEY ("workspace_id", "approval_id") REFERENCES "approval"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "effect" ADD CONSTRAINT "effect_workspace_id_run_id_fkey" FOREIGN KEY ("workspace_id", "run_id") REFERENCES "run"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "effect" ADD CONSTRAINT "effect_step_fkey" FOREIGN KEY ("workspace_id", "run_id", "seq") REFERENCES "run_step"("workspace_id", "run_id", "seq") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "approval" ADD CONSTRAINT "approval_workspace_id_run_id_fkey" FOREIGN KEY ("workspace_id", "run_id") REFERENCES "run"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "approval" ADD CONSTRAINT "approval_workspace_id_employee_id_fkey" FOREIGN KEY ("workspace_id", "employee_id") REFERENCES "employee"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "approval" ADD CONSTRAINT "approval_workspace_id_member_id_fkey" FOREIGN KEY ("workspace_id", "member_id") REFERENCES "member"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "inbox_message" ADD CONSTRAINT "inbox_message_workspace_id_employee_id_fkey" FOREIGN KEY ("workspace_id", "employee_id") REFERENCES "employee"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "inbox_message" ADD CONSTRAINT "inbox_message_workspace_id_run_id_fkey" FOREIGN KEY ("workspace_id", "run_id") REFERENCES "run"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- =====================================================================================================================
-- By hand: what Prisma's schema cannot say.

-- Folded and normalised columns compare by bytes: a prefix is then a range that an index serves under a policy.
ALTER TABLE "employee" ALTER COLUMN "name_folded" TYPE text COLLATE "C";
ALTER TABLE "form" ALTER COLUMN "name_folded" TYPE text COLLATE "C";
ALTER TABLE "contact" ALTER COLUMN "name_folded" TYPE text COLLATE "C", ALTER COLUMN "email_normalised" TYPE text COLLATE "C";
ALTER TABLE "deal" ALTER COLUMN "name_folded" TYPE text COLLATE "C";

-- ------------------------------------------------------------------ states that cannot be
ALTER TABLE "workspace"
  ADD CONSTRAINT workspace_status CHECK (status IN ('ACTIVE', 'SUSPENDED')),
  ADD CONSTRAINT workspace_currency CHECK (currency ~ '^[A-Z]{3}$'),
  ADD CONSTRAINT workspace_slug CHECK (slug ~ '^[a-z0-9](-?[a-z0-9])*$' AND length(slug) <= 63),
  ADD CONSTRAINT workspace_daily_budget CHECK (daily_budget_micros >= 0);
ALTER TABLE "member"
  ADD CONSTRAINT member_role CHECK (role IN ('OWNER', 'ADMIN', 'MEMBER', 'VIEWER'));
ALTER TABLE "employee"
  ADD CONSTRAINT employee_status CHECK (status IN ('ONBOARDING', 'ACTIVE', 'PAUSED', 'OFFBOARDED')),
  ADD CONSTRAINT employee_role CHECK (role IN ('SALES_AE', 'SDR', 'CSM', 'PM', 'RECRUITER', 'SUPPORT', 'ASSISTANT', 'CHIEF_OF_STAFF', 'CUSTOM')),
  ADD CONSTRAINT employee_autonomy CHECK (autonomy IN ('OBSERVE', 'DRAFT', 'SUPERVISED', 'AUTONOMOUS')),
  ADD CONSTRAINT employee_name CHECK (length(name) BETWEEN 2 AND 255);
ALTER TABLE "goal"
  ADD CONSTRAINT goal_kind CHECK (kind IN ('ACHIEVE', 'MAINTAIN', 'PREVENT', 'EXPLORE')),
  ADD CONSTRAINT goal_status CHECK (status IN ('ACTIVE', 'BLOCKED', 'ACHIEVED', 'MISSED', 'ABANDONED', 'ON_TRACK', 'AT_RISK', 'BREACHED')),
  ADD CONSTRAINT goal_comparator CHECK (comparator IN ('GTE', 'LTE', 'EQ', 'BETWEEN')),
  ADD CONSTRAINT goal_priority CHECK (priority BETWEEN 1 AND 10),
  ADD CONSTRAINT goal_measure CHECK ((comparator IS NULL) = (target IS NULL)),
  ADD CONSTRAINT goal_between CHECK ((comparator = 'BETWEEN') IS NOT TRUE OR target_max >= target),
  ADD CONSTRAINT goal_closed CHECK ((status IN ('ACHIEVED', 'MISSED', 'ABANDONED')) = (closed_at IS NOT NULL));
ALTER TABLE "handler_group"
  ADD CONSTRAINT handler_group_strategy CHECK (strategy IN ('PRINCIPAL', 'ROUND_ROBIN'));
ALTER TABLE "form"
  ADD CONSTRAINT form_kind CHECK (kind IN ('MARKETING', 'SALES', 'SUPPORT', 'BOOKING', 'GENERAL')),
  ADD CONSTRAINT form_status CHECK (status IN ('DRAFT', 'ACTIVE', 'PAUSED', 'ARCHIVED')),
  ADD CONSTRAINT form_autonomy CHECK (autonomy IN ('OBSERVE', 'DRAFT', 'SUPERVISED', 'AUTONOMOUS')),
  ADD CONSTRAINT form_slug CHECK (slug ~ '^[a-z0-9](-?[a-z0-9])*$' AND length(slug) <= 63),
  ADD CONSTRAINT form_published CHECK (status NOT IN ('ACTIVE', 'PAUSED') OR published_version IS NOT NULL);
ALTER TABLE "submission"
  ADD CONSTRAINT submission_status CHECK (status IN ('RECEIVED', 'PROCESSING', 'PROCESSED', 'NEEDS_REVIEW', 'FAILED', 'SPAM')),
  ADD CONSTRAINT submission_fit CHECK (fit BETWEEN 0 AND 1),
  ADD CONSTRAINT submission_finished CHECK (finished_at IS NOT NULL OR status IN ('RECEIVED', 'PROCESSING', 'NEEDS_REVIEW'));
ALTER TABLE "submission_rejection"
  ADD CONSTRAINT submission_rejection_reason CHECK (reason IN ('HONEYPOT', 'TOO_FAST', 'ADDRESS_LIMIT', 'EMAIL_LIMIT', 'DUPLICATE'));
ALTER TABLE "contact"
  ADD CONSTRAINT contact_lifecycle CHECK (lifecycle IN ('LEAD', 'QUALIFIED', 'CUSTOMER', 'FORMER')),
  ADD CONSTRAINT contact_email CHECK ((email IS NULL) = (email_normalised IS NULL)),
  ADD CONSTRAINT contact_name CHECK ((name IS NULL) = (name_folded IS NULL)),
  ADD CONSTRAINT contact_owner CHECK (num_nonnulls(owner_employee_id, owner_member_id) <= 1);
ALTER TABLE "stage"
  ADD CONSTRAINT stage_kind CHECK (kind IN ('OPEN', 'WON', 'LOST')),
  ADD CONSTRAINT stage_probability CHECK (probability BETWEEN 0 AND 1);
ALTER TABLE "deal"
  ADD CONSTRAINT deal_amount CHECK ((amount_micros IS NULL) = (currency IS NULL) AND amount_micros >= 0),
  ADD CONSTRAINT deal_lost CHECK (lost_reason IS NULL OR closed_at IS NOT NULL),
  ADD CONSTRAINT deal_owner CHECK (num_nonnulls(owner_employee_id, owner_member_id) <= 1);
ALTER TABLE "run"
  ADD CONSTRAINT run_trigger CHECK (trigger IN ('SUBMISSION', 'SCHEDULE', 'EVENT', 'PERSON', 'GOAL', 'HAND_OVER')),
  ADD CONSTRAINT run_status CHECK (status IN ('QUEUED', 'RUNNING', 'WAITING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED')),
  ADD CONSTRAINT run_reason CHECK (reason IN ('DONE', 'BUDGET_EXHAUSTED', 'STEP_LIMIT', 'MODEL_REFUSED', 'MODEL_UNAVAILABLE', 'CANCELLED_BY', 'STALE', 'POISON', 'DEADLINE')),
  ADD CONSTRAINT run_priority CHECK (priority IN ('LOW', 'NORMAL', 'HIGH', 'URGENT')),
  ADD CONSTRAINT run_waiting_kind CHECK (waiting_kind IN ('APPROVAL', 'PERSON', 'TIME', 'BUDGET')),
  ADD CONSTRAINT run_finished CHECK ((status IN ('SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED')) = (finished_at IS NOT NULL AND reason IS NOT NULL)),
  ADD CONSTRAINT run_waiting CHECK ((status = 'WAITING') = (waiting_kind IS NOT NULL AND waiting_since IS NOT NULL)),
  ADD CONSTRAINT run_wake CHECK (wake_at IS NULL OR waiting_kind IN ('TIME', 'BUDGET'));
ALTER TABLE "run_step"
  ADD CONSTRAINT run_step_kind CHECK (kind IN ('MODEL_TURN', 'TOOL_CALL', 'NOTE')),
  ADD CONSTRAINT run_step_status CHECK (status IN ('RUNNING', 'DONE', 'FAILED', 'WAITING', 'REFUSED'));
ALTER TABLE "effect"
  ADD CONSTRAINT effect_status CHECK (status IN ('INTENDED', 'SENT', 'CONFIRMED', 'FAILED', 'UNKNOWN')),
  ADD CONSTRAINT effect_risk CHECK (risk IN ('READ', 'INTERNAL_WRITE', 'EXTERNAL_SEND', 'SPEND', 'DESTRUCTIVE')),
  ADD CONSTRAINT effect_confirmed CHECK ((status = 'CONFIRMED') = (confirmed_at IS NOT NULL));
ALTER TABLE "approval"
  ADD CONSTRAINT approval_status CHECK (status IN ('PENDING', 'APPROVED', 'REJECTED', 'EXPIRED', 'STALE', 'EXECUTED', 'FAILED')),
  ADD CONSTRAINT approval_risk CHECK (risk IN ('READ', 'INTERNAL_WRITE', 'EXTERNAL_SEND', 'SPEND', 'DESTRUCTIVE')),
  ADD CONSTRAINT approval_on_expiry CHECK (on_expiry = 'REJECT' OR (on_expiry = 'APPROVE' AND risk = 'INTERNAL_WRITE')),
  ADD CONSTRAINT approval_decided CHECK (status IN ('PENDING', 'EXPIRED', 'STALE') OR decided_at IS NOT NULL);
ALTER TABLE "inbox_message"
  ADD CONSTRAINT inbox_message_priority CHECK (priority IN ('LOW', 'NORMAL', 'HIGH', 'URGENT'));
ALTER TABLE "budget_day"
  ADD CONSTRAINT budget_day_balance CHECK (held_micros >= 0 AND settled_micros >= 0 AND lost_micros >= 0);
ALTER TABLE "budget_reservation"
  ADD CONSTRAINT budget_reservation_status CHECK (status IN ('HELD', 'SETTLED', 'RELEASED', 'LOST')),
  ADD CONSTRAINT budget_reservation_ended CHECK ((status = 'HELD') = (ended_at IS NULL));

-- The same thing sent twice by one run to one target asks a person; the second row cannot even be written.
CREATE UNIQUE INDEX effect_once ON "effect" (workspace_id, run_id, tool, target, content_hash)
  WHERE risk IN ('EXTERNAL_SEND', 'SPEND');
-- Work that is due, for the sweeps.
CREATE INDEX run_deadline_due ON "run" (deadline) WHERE deadline IS NOT NULL AND status IN ('QUEUED', 'RUNNING', 'WAITING');
CREATE INDEX run_wake_due ON "run" (wake_at) WHERE wake_at IS NOT NULL AND status = 'WAITING';
CREATE INDEX approval_expiry_due ON "approval" (expires_at) WHERE status = 'PENDING';
CREATE INDEX submission_processing_due ON "submission" (received_at) WHERE status = 'PROCESSING';
-- What people have not read yet.
CREATE INDEX inbox_message_unread ON "inbox_message" (workspace_id, created_at, id) WHERE read_at IS NULL;
-- The limits of a form count by these.
CREATE INDEX submission_by_address ON "submission" (workspace_id, form_id, address_hash, received_at) WHERE address_hash IS NOT NULL;
CREATE INDEX submission_by_email ON "submission" (workspace_id, form_id, email_normalised, received_at) WHERE email_normalised IS NOT NULL;

-- Every journal entry updates its run; room in the page keeps those updates out of the indexes.
ALTER TABLE "run" SET (fillfactor = 70);
-- The outbox is emptied as fast as it fills.
ALTER TABLE "event_outbox" SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- ------------------------------------------------------------------ who may see what
-- Row-level security is enabled on every tenant table and holds for every role but the owner, who migrates. The policy
-- reads the workspace that the connection is bound to once per statement; unbound, it is NULL and nothing is seen.
DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY[
    'member', 'api_key', 'employee', 'employee_version', 'goal', 'handler_group', 'handler_group_member', 'form',
    'form_version', 'submission', 'submission_rejection', 'contact', 'pipeline', 'stage', 'deal', 'run', 'run_step',
    'effect', 'approval', 'inbox_message', 'budget_day', 'budget_reservation', 'idempotency_claim', 'event_outbox',
    'event_log'
  ] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY tenant ON %I USING (workspace_id = (SELECT nullif(current_setting(''app.workspace_id'', true), '''')::uuid))',
      tenant_table
    );
  END LOOP;
END
$$;
ALTER TABLE "workspace" ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON "workspace" USING (id = (SELECT nullif(current_setting('app.workspace_id', true), '')::uuid));
-- Rows of no workspace: nobody but the system.
ALTER TABLE "event_epoch" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "process" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "server_secret" ENABLE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE ON
  "workspace", "member", "api_key", "employee", "goal", "handler_group", "form", "submission", "contact", "pipeline",
  "stage", "deal", "run", "run_step", "effect", "approval", "inbox_message", "budget_day", "budget_reservation",
  "idempotency_claim"
  TO cadre_app;
-- Never changed once written.
GRANT SELECT, INSERT ON "employee_version", "form_version", "submission_rejection", "event_outbox" TO cadre_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON "handler_group_member" TO cadre_app;
GRANT DELETE ON "idempotency_claim" TO cadre_app;
GRANT USAGE ON SEQUENCE "event_outbox_id_seq" TO cadre_app;
GRANT SELECT ON "event_log" TO cadre_app;

-- The system finds which workspace has work; the work itself is done as cadre_app bound to it.
CREATE POLICY system ON "workspace" TO cadre_system USING (true);
CREATE POLICY system ON "api_key" TO cadre_system USING (true);
CREATE POLICY system ON "event_outbox" TO cadre_system USING (true);
CREATE POLICY system ON "event_log" TO cadre_system USING (true);
CREATE POLICY system ON "event_epoch" TO cadre_system USING (true);
CREATE POLICY system ON "process" TO cadre_system USING (true);
CREATE POLICY system ON "server_secret" TO cadre_system USING (true);
GRANT SELECT, INSERT ON "server_secret" TO cadre_system;
CREATE POLICY system ON "run" FOR SELECT TO cadre_system USING (true);
CREATE POLICY system ON "approval" FOR SELECT TO cadre_system USING (true);
CREATE POLICY system ON "submission" FOR SELECT TO cadre_system USING (true);
CREATE POLICY system ON "idempotency_claim" TO cadre_system USING (true);
GRANT SELECT ON "workspace" TO cadre_system;
GRANT SELECT, UPDATE (last_used_at) ON "api_key" TO cadre_system;
GRANT SELECT, DELETE ON "event_outbox" TO cadre_system;
GRANT USAGE, SELECT ON SEQUENCE "event_outbox_id_seq" TO cadre_system;
GRANT SELECT, INSERT ON "event_log" TO cadre_system;
GRANT USAGE, SELECT ON SEQUENCE "event_log_position_seq" TO cadre_system;
GRANT SELECT, INSERT ON "event_epoch" TO cadre_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON "process" TO cadre_system;
GRANT SELECT (workspace_id, id, status, submission_id, deadline, wake_at, waiting_kind, segment, executor_id) ON "run" TO cadre_system;
GRANT SELECT (workspace_id, id, status, received_at) ON "submission" TO cadre_system;
GRANT SELECT (workspace_id, id, status, expires_at) ON "approval" TO cadre_system;
GRANT SELECT (workspace_id, created_at), DELETE ON "idempotency_claim" TO cadre_system;

-- ------------------------------------------------------------------ search
-- `contains` cannot use a trigram index under a policy: its operator is not leakproof. These functions are the one place
-- that looks without the policy; each applies the bound workspace itself and gives back ids only.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE INDEX employee_name_search ON "employee" USING gin (workspace_id, name_folded gin_trgm_ops);
CREATE INDEX form_name_search ON "form" USING gin (workspace_id, name_folded gin_trgm_ops);
CREATE INDEX contact_name_search ON "contact" USING gin (workspace_id, name_folded gin_trgm_ops);
CREATE INDEX contact_email_search ON "contact" USING gin (workspace_id, email_normalised gin_trgm_ops);
CREATE INDEX deal_name_search ON "deal" USING gin (workspace_id, name_folded gin_trgm_ops);

CREATE POLICY search ON "employee" FOR SELECT TO cadre_search USING (true);
CREATE POLICY search ON "form" FOR SELECT TO cadre_search USING (true);
CREATE POLICY search ON "contact" FOR SELECT TO cadre_search USING (true);
CREATE POLICY search ON "deal" FOR SELECT TO cadre_search USING (true);
GRANT SELECT (workspace_id, id, name_folded) ON "employee", "form", "deal" TO cadre_search;
GRANT SELECT (workspace_id, id, name_folded, email_normalised) ON "contact" TO cadre_search;
GRANT USAGE ON SCHEMA public TO cadre_app, cadre_system, cadre_search;

CREATE SCHEMA cadre_search AUTHORIZATION cadre_search;
SET ROLE cadre_search;
CREATE FUNCTION cadre_search.employee_ids(searched text, pattern text) RETURNS SETOF uuid
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  tenant uuid := nullif(current_setting('app.workspace_id', true), '')::uuid;
BEGIN
  CASE searched
    WHEN 'name_folded' THEN RETURN QUERY SELECT id FROM public.employee WHERE workspace_id = tenant AND name_folded LIKE pattern;
  END CASE;
END
$$;
CREATE FUNCTION cadre_search.form_ids(searched text, pattern text) RETURNS SETOF uuid
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  tenant uuid := nullif(current_setting('app.workspace_id', true), '')::uuid;
BEGIN
  CASE searched
    WHEN 'name_folded' THEN RETURN QUERY SELECT id FROM public.form WHERE workspace_id = tenant AND name_folded LIKE pattern;
  END CASE;
END
$$;
CREATE FUNCTION cadre_search.contact_ids(searched text, pattern text) RETURNS SETOF uuid
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  tenant uuid := nullif(current_setting('app.workspace_id', true), '')::uuid;
BEGIN
  CASE searched
    WHEN 'name_folded' THEN RETURN QUERY SELECT id FROM public.contact WHERE workspace_id = tenant AND name_folded LIKE pattern;
    WHEN 'email_normalised' THEN RETURN QUERY SELECT id FROM public.contact WHERE workspace_id = tenant AND email_normalised LIKE pattern;
  END CASE;
END
$$;
CREATE FUNCTION cadre_search.deal_ids(searched text, pattern text) RETURNS SETOF uuid
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  tenant uuid := nullif(current_setting('app.workspace_id', true), '')::uuid;
BEGIN
  CASE searched
    WHEN 'name_folded' THEN RETURN QUERY SELECT id FROM public.deal WHERE workspace_id = tenant AND name_folded LIKE pattern;
  END CASE;
END
$$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA cadre_search FROM PUBLIC;
GRANT USAGE ON SCHEMA cadre_search TO cadre_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cadre_search TO cadre_app;
RESET ROLE;
