-- Since when a member's account is suspended, for the workspace to see: the account itself is no workspace's to read, and it
-- alone decides who is let in.
ALTER TABLE "member" ADD COLUMN "suspended_at" TIMESTAMPTZ(3);
GRANT SELECT (suspended_at), UPDATE (suspended_at) ON "member" TO cadre_system;

UPDATE "member" SET "suspended_at" = "account"."updated_at"
  FROM "account"
 WHERE "account"."id" = "member"."account_id" AND "account"."status" = 'SUSPENDED' AND "member"."removed_at" IS NULL;
