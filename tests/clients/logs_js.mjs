// usage: node logs_js.mjs SDK ENDPOINT GROUP-ARN: prints a Live Tail's start and its first event.
import { createRequire } from 'node:module';

const [sdk, endpoint, group] = process.argv.slice(2);
const { CloudWatchLogsClient, StartLiveTailCommand } = createRequire(sdk + '/')('@aws-sdk/client-cloudwatch-logs');
const client = new CloudWatchLogsClient({ endpoint, region: 'us-east-1', disableHostPrefix: true });
const answer = await client.send(new StartLiveTailCommand({ logGroupIdentifiers: [group] }));

for await (const event of answer.responseStream) {
	if (event.sessionStart)
		console.log(JSON.stringify(event.sessionStart));
	const results = event.sessionUpdate?.sessionResults ?? [];
	if (results.length) {
		console.log(JSON.stringify(results[0]));
		process.exit(0);
	}
}
process.exit(1);
