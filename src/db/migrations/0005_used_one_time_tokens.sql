CREATE TABLE "used_one_time_tokens" (
	"token_hash" text PRIMARY KEY NOT NULL,
	"outcome" text NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE INDEX "used_one_time_tokens_expires_at_index" ON "used_one_time_tokens" USING btree ("expires_at");