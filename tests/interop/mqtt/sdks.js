// The SDKs themselves; see sdks.sh. Each way: connect, subscribe, publish, receive, disconnect.
// usage: node sdks.js CLOUD_DIR CERTIFICATE KEY
'use strict';
const fs = require('fs');
const { once } = require('events');
const old = require('aws-iot-device-sdk');
const { auth, iot, mqtt, mqtt5 } = require('aws-iot-device-sdk-v2');

const [dir, certificate, key] = process.argv.slice(2);
const facts = JSON.parse(fs.readFileSync(dir + '/cloud.json'));
const host = facts.mqtt_host, root = dir + '/root_ca.pem';

// Version 1 asks for the sub-protocol mqttv3.1; what it is for is shadows.
async function version1() {
  const shadows = old.thingShadow({
    protocol: 'wss', host, port: facts.wss_port, region: facts.region, clientId: 'sdk-v1',
    accessKeyId: facts.access_key_id, secretKey: facts.secret_access_key });
  await once(shadows, 'connect');
  const got = once(shadows, 'message');
  await new Promise((done) => shadows.subscribe('sdk/v1', { qos: 1 }, done));
  shadows.publish('sdk/v1', 'hello', { qos: 1 });
  check((await got)[1].toString(), 'hello');
  await new Promise((done) => shadows.register('sdk-v1', {}, done));
  const status = once(shadows, 'status');
  shadows.update('sdk-v1', { state: { desired: { colour: 'red' } } });
  check((await status)[1], 'accepted');
  await new Promise((done) => shadows.end(false, done));
}

async function version311(name, builder, port) {
  const connection = new mqtt.MqttClient().new_connection(builder
    .with_certificate_authority_from_path(undefined, root).with_clean_session(true)
    .with_client_id('sdk-' + name).with_endpoint(host).with_port(port).build());
  await connection.connect();
  const got = once(connection, 'message');
  await connection.subscribe('sdk/' + name, mqtt.QoS.AtLeastOnce);
  await connection.publish('sdk/' + name, 'hello', mqtt.QoS.AtLeastOnce);
  check(Buffer.from((await got)[1]).toString(), 'hello');
  await connection.disconnect();
}

async function version5(name, builder, port) {
  const client = new mqtt5.Mqtt5Client(builder
    .withCertificateAuthorityFromPath(undefined, root).withPort(port)
    .withConnectProperties({ keepAliveIntervalSeconds: 30, clientId: 'sdk-' + name }).build());
  const up = once(client, 'connectionSuccess');
  client.start();
  await up;
  const got = once(client, 'messageReceived');
  await client.subscribe({ subscriptions: [{ topicFilter: 'sdk/' + name, qos: 1 }] });
  await client.publish({
    topicName: 'sdk/' + name, qos: 1, payload: 'hello', contentType: 'text/plain',
    userProperties: [{ name: 'a', value: 'b' }] });
  const { message } = (await got)[0];
  check(Buffer.from(message.payload).toString(), 'hello');
  check(message.contentType, 'text/plain');
  check(JSON.stringify(message.userProperties), '[{"name":"a","value":"b"}]');
  const stopped = once(client, 'stopped');
  client.stop();
  await stopped;
  client.close();
}

function check(have, wanted) {
  if (have !== wanted)
    throw new Error(`got ${have} instead of ${wanted}`);
}

const by_certificate = () => iot.AwsIotMqttConnectionConfigBuilder.new_mtls_builder_from_path(certificate, key);
const by_certificate_5 = () => iot.AwsIotMqtt5ClientConfigBuilder.newDirectMqttBuilderWithMtlsFromPath(host, certificate, key);
const ways = [
  ['version 1, WebSockets with SigV4', version1],
  ['version 2, MQTT 3.1.1, certificate', () => version311('mtls', by_certificate(), facts.mqtt_port)],
  ['version 2, MQTT 3.1.1, certificate by ALPN', () => version311('alpn', by_certificate(), facts.wss_port)],
  ['version 2, MQTT 3.1.1, WebSockets with SigV4', () => version311('wss',
    iot.AwsIotMqttConnectionConfigBuilder.new_builder_for_websocket()
      .with_credentials(facts.region, facts.access_key_id, facts.secret_access_key), facts.wss_port)],
  ['version 2, MQTT 5, certificate', () => version5('mtls5', by_certificate_5(), facts.mqtt_port)],
  ['version 2, MQTT 5, certificate by ALPN', () => version5('alpn5', by_certificate_5(), facts.wss_port)],
  ['version 2, MQTT 5, WebSockets with SigV4', () => version5('wss5',
    iot.AwsIotMqtt5ClientConfigBuilder.newWebsocketMqttBuilderWithSigv4Auth(host, {
      region: facts.region,
      credentialsProvider: auth.AwsCredentialsProvider.newStatic(facts.access_key_id, facts.secret_access_key) }),
    facts.wss_port)],
];

async function main() {
  for (const [name, run] of ways) {
    const late = new Promise((_, no) => setTimeout(() => no(new Error('nothing came within a minute')), 60000).unref());
    try {
      await Promise.race([run(), late]);
    } catch (reason) {
      console.log(`FAILED: ${name}: ${reason.message || reason}`);
      process.exit(1);
    }
    console.log('   ' + name);
  }
  process.exit(0);
}

main();
