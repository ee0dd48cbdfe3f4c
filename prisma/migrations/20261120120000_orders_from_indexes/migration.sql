-- Orders that people ask for from the far end, nulls last, and the nested filter on a stage's kind.
CREATE INDEX "stage_workspace_id_kind_id_idx" ON "stage"("workspace_id", "kind", "id");
CREATE INDEX "contact_name_descending" ON "contact" ("workspace_id", "name_folded" DESC NULLS LAST, "id" DESC);
CREATE INDEX "deal_amount_descending" ON "deal" ("workspace_id", "currency" DESC NULLS LAST, "amount_micros" DESC NULLS LAST, "id" DESC);
CREATE INDEX "deal_expected_close_descending" ON "deal" ("workspace_id", "expected_close_on" DESC NULLS LAST, "id" DESC);
