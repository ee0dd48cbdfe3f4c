-- What each credential has spent in its minute, where processes share their budgets. Not logged: after a crash every budget
-- is a new one, and no operation waits for a disk. The columns are as rate-limiter-flexible writes them; moments are
-- milliseconds since 1970.
CREATE UNLOGGED TABLE "cost_budget" (
    "key" TEXT NOT NULL,
    "points" INTEGER NOT NULL DEFAULT 0,
    "expire" DOUBLE PRECISION,

    CONSTRAINT "cost_budget_pkey" PRIMARY KEY ("key")
);
CREATE INDEX "cost_budget_expire_idx" ON "cost_budget"("expire");

-- Rows of no workspace: nobody but the system.
ALTER TABLE "cost_budget" ENABLE ROW LEVEL SECURITY;
CREATE POLICY system ON "cost_budget" TO cadre_system USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON "cost_budget" TO cadre_system;
