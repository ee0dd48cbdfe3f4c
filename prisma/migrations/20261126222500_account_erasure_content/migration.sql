-- What the erasure of an account needs of what is stored: it may take a while where there is much, and keeps nobody from
-- reading the log.
--
-- ------------------------------------------------------------------ digests without salt
-- Of what was done to a person nothing is kept that could be guessed; emptied, they are no two sends of one thing.
DROP INDEX effect_once;
CREATE UNIQUE INDEX effect_once ON "effect" (workspace_id, run_id, tool, target, content_hash)
  WHERE risk IN ('EXTERNAL_SEND', 'SPEND') AND content_hash <> '';
UPDATE "effect" e SET content_hash = '' FROM "run" r
  WHERE r.workspace_id = e.workspace_id AND r.id = e.run_id
    AND (r.erased_at IS NOT NULL OR (e.target = '' AND e.risk IN ('EXTERNAL_SEND', 'SPEND')));
UPDATE "approval" a SET shown_hash = '' FROM "run" r
  WHERE r.workspace_id = a.workspace_id AND r.id = a.run_id AND r.erased_at IS NOT NULL;

-- ------------------------------------------------------------------ calls that named a contact
CREATE INDEX run_step_of_contact ON "run_step" (workspace_id, (data #>> '{input,contact}'))
  WHERE kind = 'TOOL_CALL' AND data #>> '{input,contact}' IS NOT NULL;
CREATE INDEX run_step_for_contact ON "run_step" (workspace_id, (data #>> '{output,contact}'))
  WHERE kind = 'TOOL_CALL' AND data #>> '{output,contact}' IS NOT NULL;

-- The turns of runs whose calls named a contact, of the workspace that the connection is bound to. As the owner of the table:
-- for anybody else a policy comes before the paths into a document, and the indexes are not used.
CREATE FUNCTION cadre_calls_naming(contact text) RETURNS TABLE (run_id uuid, turn int)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
  SELECT s.run_id, s.turn FROM public.run_step s
   WHERE s.workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid AND s.kind = 'TOOL_CALL'
     AND s.data #>> '{input,contact}' = contact
  UNION
  SELECT s.run_id, s.turn FROM public.run_step s
   WHERE s.workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid AND s.kind = 'TOOL_CALL'
     AND s.data #>> '{output,contact}' = contact
$$;
REVOKE ALL ON FUNCTION cadre_calls_naming FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cadre_calls_naming TO cadre_app;

-- ------------------------------------------------------------------ the log
CREATE INDEX event_log_with_address ON "event_log" (workspace_id, actor_id) WHERE address_salt IS NOT NULL;
CREATE INDEX event_log_address_erased_by ON "event_log" (workspace_id, address_erased_by) WHERE address_erased_by IS NOT NULL;
ALTER TABLE "event_log" VALIDATE CONSTRAINT "event_log_chain_version", VALIDATE CONSTRAINT "event_log_address";

-- ------------------------------------------------------------------ what was a person
-- The member stays, for what they did is told of them; nobody is known by it.
ALTER TABLE "member" ADD COLUMN "erased_at" TIMESTAMPTZ(3);
ALTER TABLE "member"
  ALTER COLUMN "email" DROP NOT NULL,
  ALTER COLUMN "email_normalised" DROP NOT NULL,
  ADD CONSTRAINT member_erased CHECK (
    CASE WHEN erased_at IS NULL THEN num_nonnulls(email, email_normalised) = 2
      ELSE num_nonnulls(email, email_normalised, account_id) = 0 AND removed_at IS NOT NULL END);
ALTER TABLE "invite"
  ALTER COLUMN "email" DROP NOT NULL,
  ALTER COLUMN "email_folded" DROP NOT NULL,
  ADD CONSTRAINT invite_erased CHECK ((email IS NULL) = (email_folded IS NULL));
CREATE INDEX invite_by_email ON "invite" (email_folded);

-- ------------------------------------------------------------------ erasures of members
ALTER TABLE "erasure" DROP CONSTRAINT erasure_subject;
ALTER TABLE "erasure" ADD CONSTRAINT erasure_subject CHECK (subject_type IN ('contact', 'member'));
-- One that is under way has looked for one name and one number so far.
UPDATE "erasure" SET "traces" = jsonb_build_object(
    'emails', traces -> 'emails',
    'phones', jsonb_path_query_array(traces, '$.phone ? (@ != null)'),
    'names', jsonb_path_query_array(traces, '$.name ? (@ != null)'))
  WHERE "traces" IS NOT NULL;

-- ------------------------------------------------------------------ erasures of accounts
-- Of no workspace, like the account was. The address is kept until the certificate has been sent there.
CREATE TABLE "account_erasure" (
  "id" UUID NOT NULL,
  "account_id" UUID NOT NULL,
  "status" TEXT NOT NULL DEFAULT 'RUNNING',
  "email" TEXT,
  "former_emails" JSONB,
  "requested_at" TIMESTAMPTZ(3) NOT NULL,
  "counts" JSONB NOT NULL,
  "erasures" JSONB NOT NULL,
  "document" TEXT,
  "digest" TEXT,
  "next_try_at" TIMESTAMPTZ(3) NOT NULL,
  "attempts" INTEGER NOT NULL DEFAULT 0,
  "finished_at" TIMESTAMPTZ(3),

  CONSTRAINT "account_erasure_pkey" PRIMARY KEY ("id"),
  CONSTRAINT account_erasure_status CHECK (status IN ('RUNNING', 'SUCCEEDED')),
  CONSTRAINT account_erasure_document CHECK (num_nonnulls(document, digest, finished_at) IN (0, 3)),
  CONSTRAINT account_erasure_finished CHECK (
    (status = 'SUCCEEDED') = (email IS NULL) AND (status = 'RUNNING' OR document IS NOT NULL)),
  CONSTRAINT account_erasure_former_emails CHECK ((email IS NULL) = (former_emails IS NULL))
);
CREATE UNIQUE INDEX "account_erasure_account_id_key" ON "account_erasure"("account_id");
CREATE INDEX account_erasure_due ON "account_erasure" (next_try_at) WHERE status <> 'SUCCEEDED';
ALTER TABLE "account_erasure" ENABLE ROW LEVEL SECURITY;
CREATE POLICY system ON "account_erasure" TO cadre_system USING (true);
GRANT SELECT, INSERT, UPDATE (status, email, former_emails, document, digest, next_try_at, attempts, finished_at)
  ON "account_erasure" TO cadre_system;

-- The account goes, and the members and invites that were its person are emptied, in one transaction, which is the system's.
GRANT DELETE ON "account" TO cadre_system;
GRANT SELECT (email, erased_at), UPDATE (name, email, email_normalised, removed_at, erased_at) ON "member" TO cadre_system;
GRANT UPDATE (name, revoked_at, version, updated_at) ON "api_key" TO cadre_system;
GRANT UPDATE (email, email_folded, revoked_at) ON "invite" TO cadre_system;
DROP POLICY system ON "erasure";
CREATE POLICY system ON "erasure" TO cadre_system USING (true);
GRANT INSERT, SELECT (subject_type, subject_id, finished_at, counts, digest) ON "erasure" TO cadre_system;
