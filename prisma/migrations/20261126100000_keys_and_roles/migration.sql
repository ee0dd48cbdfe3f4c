-- Keys that are made, rotated and revoked over the API, by members whose role bounds what they may.
ALTER TABLE "api_key"
  ADD COLUMN "environment" TEXT NOT NULL DEFAULT 'TEST',
  ADD COLUMN "previous_key_hash" TEXT,
  ADD COLUMN "previous_expires_at" TIMESTAMPTZ(3),
  ADD COLUMN "version" INTEGER NOT NULL DEFAULT 1;
-- The key has always said it itself.
UPDATE "api_key" SET "environment" = 'LIVE' WHERE "prefix" LIKE 'cadre\_live\_%';
ALTER TABLE "api_key"
  ADD CONSTRAINT api_key_environment CHECK (environment IN ('LIVE', 'TEST')),
  ADD CONSTRAINT api_key_previous CHECK ((previous_key_hash IS NULL) = (previous_expires_at IS NULL));

CREATE UNIQUE INDEX "api_key_previous_key_hash_key" ON "api_key"("previous_key_hash");
CREATE INDEX "api_key_workspace_id_created_at_id_idx" ON "api_key"("workspace_id", "created_at", "id");
CREATE INDEX "api_key_workspace_id_environment_id_idx" ON "api_key"("workspace_id", "environment", "id");
CREATE INDEX "api_key_workspace_id_expires_at_id_idx" ON "api_key"("workspace_id", "expires_at", "id");
CREATE INDEX api_key_revoked ON "api_key" (workspace_id, created_at, id) WHERE revoked_at IS NOT NULL;

-- A member who is removed keeps their name on what they did, and nothing else.
ALTER TABLE "member" ADD COLUMN "removed_at" TIMESTAMPTZ(3);
CREATE INDEX "member_workspace_id_role_id_idx" ON "member"("workspace_id", "role", "id");
CREATE INDEX member_removed ON "member" (workspace_id, id) WHERE removed_at IS NOT NULL;

-- Who looks a key up sees what its member's role is at that moment.
CREATE POLICY system ON "member" FOR SELECT TO cadre_system USING (true);
GRANT SELECT (workspace_id, id, role, removed_at) ON "member" TO cadre_system;
