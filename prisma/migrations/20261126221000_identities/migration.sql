-- Sign-ins at an issuer are shown to their person, and disconnected with the sessions that came by them.
ALTER TABLE "account_identity" ADD COLUMN "id" UUID NOT NULL DEFAULT gen_random_uuid();
ALTER TABLE "account_identity" ALTER COLUMN "id" DROP DEFAULT;
ALTER TABLE "account_identity" ADD COLUMN "label" TEXT;
ALTER TABLE "account_identity" ADD COLUMN "last_used_at" TIMESTAMPTZ(3);
ALTER TABLE "session" ADD COLUMN "identity_id" UUID;

CREATE UNIQUE INDEX "account_identity_id_key" ON "account_identity"("id");
CREATE INDEX "session_identity_id_idx" ON "session"("identity_id");

ALTER TABLE "session" ADD CONSTRAINT "session_identity_id_fkey" FOREIGN KEY ("identity_id") REFERENCES "account_identity"("id") ON DELETE SET NULL ON UPDATE CASCADE;

GRANT UPDATE (label, last_used_at) ON "account_identity" TO cadre_system;

-- Sessions from before came by the only sign-in that their account has, where it has no password.
UPDATE "session" s SET "identity_id" = i."id"
  FROM "account_identity" i JOIN "account" a ON a."id" = i."account_id"
  WHERE s."account_id" = a."id" AND s."identity_id" IS NULL AND a."password_hash" IS NULL
    AND NOT EXISTS (SELECT FROM "account_identity" other WHERE other."account_id" = a."id" AND other."id" <> i."id");
