"""iot: fleet indexing: what is searched, queries, statistics."""
import json

from sdk import CloudTest


class Search(CloudTest):
    @classmethod
    def clients(cls):
        cls.iot, cls.data = cls.server.client("iot"), cls.server.client("iot-data")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.iot.create_thing_type(thingTypeName="meter")
        for name, attributes in (("hall-1", {"room": "Hall", "level": "3"}),
                                 ("hall-2", {"room": "Hall", "level": "12"}),
                                 ("cellar-1", {"room": "cellar", "level": "-1", "v1.0": "yes"})):
            cls.iot.create_thing(thingName=name, thingTypeName="meter",
                                 attributePayload={"attributes": attributes})
        cls.iot.create_thing_group(thingGroupName="below")
        cls.iot.add_thing_to_thing_group(thingGroupName="below", thingName="cellar-1")
        for name, firmware in (("hall-1", "1.2.3"), ("hall-2", "1.3.0")):
            cls.data.update_thing_shadow(thingName=name, payload=json.dumps(
                {"state": {"desired": {"on": True}, "reported": {
                    "fw": firmware, "on": name == "hall-1", "temp": {"now": len(name)},
                    "tags": ["a", name]}}}))
        cls.data.update_thing_shadow(thingName="hall-1", shadowName="wifi", payload=json.dumps(
            {"state": {"reported": {"rssi": -60}}}))

    def setUp(self):
        self.iot.update_indexing_configuration(thingIndexingConfiguration={
            "thingIndexingMode": "REGISTRY_AND_SHADOW", "thingConnectivityIndexingMode": "STATUS",
            "namedShadowIndexingMode": "ON"})

    def found(self, query, **more):
        return " ".join(thing["thingName"] for thing in
                        self.iot.search_index(queryString=query, **more)["things"])

    def test_queries_find_what_they_say(self):
        everything = "cellar-1 hall-1 hall-2"
        for query, wanted in (
                ("*", everything), ("thingName:hall*", "hall-1 hall-2"),
                ("thingName:hall-?", "hall-1 hall-2"), ("thingName:h*-1", "hall-1"),
                ("attributes.room:hall", "hall-1 hall-2"), ("Cellar", "cellar-1"),
                ("attributes.level:3", "hall-1"), ("attributes.level>3", "hall-2"),
                ("attributes.level:[-1 TO 3]", "cellar-1 hall-1"),
                ("attributes.level:{-1 TO 3]", "hall-1"), ("attributes.level<=3", "cellar-1 hall-1"),
                ("attributes.level:[3 TO *]", "hall-1 hall-2"),
                ("attributes.v1.0:yes", "cellar-1"),
                ("shadow.reported.fw:1.2.3", "hall-1"), ("shadow.reported.fw:1.*", "hall-1 hall-2"),
                ("shadow.reported.temp.now:6", "hall-1 hall-2"),
                ("shadow.reported.on:true", "hall-1"), ("shadow.hasDelta:true", "hall-2"),
                ("shadow.reported.tags:hall-2", "hall-2"),
                ("shadow.name.wifi.reported.rssi<-50", "hall-1"), ("shadow.reported.fw:*",
                                                                   "hall-1 hall-2"),
                ("thingGroupNames:below", "cellar-1"), ("thingTypeName:meter", everything),
                ("thingName:hall* AND NOT shadow.reported.fw:1.2.3", "hall-2"),
                ("thingName:hall* -attributes.level:12", "hall-1"),
                ("thingName:hall-1 OR attributes.room:cellar", "cellar-1 hall-1"),
                ("attributes.room:(hall OR cellar) AND attributes.level<5", "cellar-1 hall-1"),
                ("attributes.room:\"hall\"", "hall-1 hall-2"), ("thingName:hall\\*", ""),
                ("connectivity.connected:false", everything), ("connectivity.connected:true", ""),
                ("AttributeS.room:hall", "")):
            with self.subTest(query):
                self.assertEqual(self.found(query), wanted)

    def test_what_is_no_query_is_refused(self):
        for query in ("", "(", "thingName:", "a)", "thingName:*x", "x:[1 TO", "\"open",
                      "a b c d e f g h", "a:***", "(" * 40 + "a"):
            with self.subTest(query), self.refused("InvalidQueryException"):
                self.iot.search_index(queryString=query)

    def test_a_thing_is_shown_with_all_that_is_indexed(self):
        thing = self.iot.search_index(queryString="thingName:hall-1")["things"][0]
        self.assertEqual(thing["attributes"], {"room": "Hall", "level": "3"})
        self.assertEqual((thing["thingTypeName"], thing["thingGroupNames"]), ("meter", []))
        self.assertFalse(thing["connectivity"]["connected"])
        shadow = json.loads(thing["shadow"])
        self.assertEqual(shadow["reported"]["fw"], "1.2.3")
        self.assertEqual(shadow["name"]["wifi"]["reported"], {"rssi": -60})

    def test_results_come_in_pages(self):
        first = self.iot.search_index(queryString="*", maxResults=2)
        rest = self.iot.search_index(queryString="*", nextToken=first["nextToken"])
        self.assertEqual([t["thingName"] for t in first["things"] + rest["things"]],
                         ["cellar-1", "hall-1", "hall-2"])
        self.assertNotIn("nextToken", rest)

    def test_numbers_are_summed_up_and_values_counted(self):
        numbers = self.iot.get_statistics(queryString="*",
                                          aggregationField="attributes.level")["statistics"]
        self.assertEqual((numbers["count"], numbers["sum"], numbers["minimum"], numbers["maximum"]),
                         (3, 14.0, -1.0, 12.0))
        self.assertEqual(self.iot.get_statistics(
            queryString="*", aggregationField="attributes.room")["statistics"], {"count": 3})
        self.assertEqual(self.iot.get_cardinality(
            queryString="*", aggregationField="attributes.room")["cardinality"], 2)
        with self.refused("InvalidAggregationException"):
            self.iot.get_cardinality(queryString="*")

    def test_percentiles_lie_between_the_values(self):
        ask = {"queryString": "*", "aggregationField": "attributes.level"}
        pairs = self.iot.get_percentiles(percents=[0, 50, 75, 100], **ask)["percentiles"]
        self.assertEqual([(p["percent"], p["value"]) for p in pairs],
                         [(0.0, -1.0), (50.0, 3.0), (75.0, 7.5), (100.0, 12.0)])
        self.assertEqual([p["percent"] for p in self.iot.get_percentiles(**ask)["percentiles"]],
                         [1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0])
        self.assertEqual(self.iot.get_percentiles(queryString="thingName:none", aggregationField="attributes.level")
                         ["percentiles"], [])
        with self.refused("InvalidAggregationException", "attributes.room"):
            self.iot.get_percentiles(queryString="*", aggregationField="attributes.room")
        for percents in ([101], [-1], ["x"], [1] * 101):
            with self.refused("InvalidRequestException", "percents"):
                self.iot.get_percentiles(percents=percents, **ask)

    def test_values_are_counted_the_most_frequent_first(self):
        ask = {"queryString": "*", "aggregationField": "attributes.room"}
        found = self.iot.get_buckets_aggregation(bucketsAggregationType={"termsAggregation": {}}, **ask)
        self.assertEqual(found["totalCount"], 3)
        self.assertEqual(found["buckets"], [{"keyValue": "Hall", "count": 2}, {"keyValue": "cellar", "count": 1}])
        found = self.iot.get_buckets_aggregation(bucketsAggregationType={"termsAggregation": {"maxBuckets": 1}}, **ask)
        self.assertEqual([b["keyValue"] for b in found["buckets"]], ["Hall"])
        found = self.iot.get_buckets_aggregation(queryString="*", aggregationField="attributes.nothing",
                                                 bucketsAggregationType={"termsAggregation": {}})
        self.assertEqual((found["totalCount"], found["buckets"]), (3, []))
        for wrong in ({}, {"termsAggregation": {"maxBuckets": 10001}}):
            with self.refused("InvalidRequestException", "termsAggregation"):
                self.iot.get_buckets_aggregation(bucketsAggregationType=wrong, **ask)

    def test_what_is_indexed_is_said_and_kept(self):
        index = self.iot.describe_index(indexName="AWS_Things")
        self.assertEqual((index["indexStatus"], index["schema"]),
                         ("ACTIVE", "MULTI_INDEXING_MODE"))
        self.assertEqual(self.iot.list_indices()["indexNames"], ["AWS_Things"])
        with self.refused("ResourceNotFoundException", "update-indexing-configuration"):
            self.iot.search_index(indexName="AWS_ThingGroups", queryString="*")
        self.iot.update_indexing_configuration(
            thingGroupIndexingConfiguration={"thingGroupIndexingMode": "ON"})
        groups = self.iot.search_index(indexName="AWS_ThingGroups",
                                       queryString="thingGroupName:b*")["thingGroups"]
        self.assertEqual([g["thingGroupName"] for g in groups], ["below"])
        self.iot.update_indexing_configuration(
            thingIndexingConfiguration={"thingIndexingMode": "REGISTRY"})
        self.assertEqual(self.found("shadow.reported.fw:1.2.3"), "")
        self.assertEqual(self.iot.get_indexing_configuration()["thingIndexingConfiguration"],
                         {"thingIndexingMode": "REGISTRY"})
        with self.refused("InvalidRequestException"):
            self.iot.update_indexing_configuration(
                thingIndexingConfiguration={"thingIndexingMode": "ALL"})
